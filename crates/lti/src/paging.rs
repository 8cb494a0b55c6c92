//! Lists that a platform gives in pages, each with a `Link` to the next (RFC 8288).

use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap, LINK};

use crate::access_token::Access;
use crate::service_error::ServiceError;
use crate::service_url::ServiceUrl;

/// Most pages, and most entries, that are read.
const MOST_PAGES: usize = 200;
const MOST_ENTRIES: usize = 20_000;

/// All entries of a list. `entries` reads a page.
pub(crate) async fn all<T>(
    access: &Access<'_>,
    first: ServiceUrl,
    accept: &'static str,
    entries: impl Fn(&[u8]) -> Option<Vec<T>>,
) -> Result<Vec<T>, ServiceError> {
    let mut list = Vec::new();
    let mut next = Some(first);
    for _ in 0..MOST_PAGES {
        let Some(page) = next.take() else { return Ok(list) };
        let answer = access.call(Method::GET, &page, |request| request.header(ACCEPT, accept)).await?;
        list.extend(entries(&answer.body).ok_or(ServiceError::NotUnderstood("list"))?);
        if list.len() > MOST_ENTRIES {
            return Err(ServiceError::TooLarge);
        }
        next = next_page(&answer.headers)?;
    }
    match next {
        None => Ok(list),
        Some(_) => Err(ServiceError::TooLarge),
    }
}

fn next_page(headers: &HeaderMap) -> Result<Option<ServiceUrl>, ServiceError> {
    let not_understood = ServiceError::NotUnderstood("link to the next page");
    for value in headers.get_all(LINK) {
        let value = value.to_str().map_err(|_| not_understood.clone())?;
        // Each link begins with its address in angle brackets, which no address holds.
        for link in value.split('<').skip(1) {
            let (address, parameters) = link.split_once('>').ok_or_else(|| not_understood.clone())?;
            if parameters.split([';', ',']).any(is_next) {
                return ServiceUrl::parse(address).map(Some).map_err(|_| not_understood);
            }
        }
    }
    Ok(None)
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    let relations = value.trim().trim_matches('"');
    name.trim().eq_ignore_ascii_case("rel")
        && relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(value: &str) -> Result<Option<String>, ServiceError> {
        let headers = HeaderMap::from_iter([(LINK, value.parse().unwrap())]);
        next_page(&headers).map(|url| url.map(String::from))
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        let page = Ok(Some("https://school.example/a?page=2,3".to_owned()));
        for value in [
            "<https://school.example/a?page=2,3>; rel=next",
            "<https://school.example/a?page=2,3>; rel=\"next\"",
            "<https://school.example/a>;rel=\"first\", <https://school.example/a?page=2,3>; title=x; REL=\"Next last\"",
        ] {
            assert_eq!(next(value), page, "{value}");
        }
        assert_eq!(next("<https://school.example/a>; rel=\"prev\""), Ok(None));
        assert_eq!(next("<https://school.example/a>; title=\"next\""), Ok(None));
        assert_eq!(next_page(&HeaderMap::new()), Ok(None));
        assert!(next("<http://school.example/a>; rel=next").is_err());
        assert!(next("<https://school.example/a; rel=next").is_err());
    }
}
