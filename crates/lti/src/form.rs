//! Parameters of a query or a posted form, bounded and each at most once.

use std::borrow::Cow;
use std::collections::HashMap;

/// Why a form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the form is too large")]
    TooLarge,
    #[error("a parameter of the form comes twice")]
    Twice,
    #[error("the form lacks {0}")]
    Lacks(&'static str),
    #[error("the form's {0} is not usable")]
    Unusable(&'static str),
}

pub(crate) struct Form<'a>(HashMap<Cow<'a, str>, Cow<'a, str>>);

impl<'a> Form<'a> {
    pub(crate) fn parse(text: &'a str, longest: usize) -> Result<Self, FormError> {
        if text.len() > longest {
            return Err(FormError::TooLarge);
        }
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            // Two readers could take a different one each.
            if parameters.insert(name, value).is_some() {
                return Err(FormError::Twice);
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter, if it is there and not empty.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<String> {
        self.0.remove(name).map(Cow::into_owned).filter(|value| !value.is_empty())
    }

    pub(crate) fn required(&mut self, name: &'static str) -> Result<String, FormError> {
        self.optional(name).ok_or(FormError::Lacks(name))
    }
}
