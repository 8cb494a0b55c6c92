//! Signing in by an OpenID Connect provider of others' making, in a process of its own.

use std::path::Path;

use app::model::teach::{EntranceView, InstructorView};
use axum::http::StatusCode;
use openidconnect::IssuerUrl;
use tokio::process::{Child, Command};

use super::client::{Answer, Instructor, Site, Visitor};
use super::program::listening;
use super::school::{CLASS, School, refusal};
use super::world::{Wishes, World};
use crate::instructors::{Provider, ProviderSettings};

/// Where the provider sends browsers back to, at the host that they take the router for.
const BACK: &str = "http://headwater.test/teach/oidc/callback";
const SECRET: &str = "the provider gave this secret";

/// The provider; it ends when this is dropped.
struct Idp {
    issuer: String,
    site: Site,
    _process: Child,
}

impl Idp {
    async fn start() -> Self {
        secret_audit::note("OpenID Connect client secret", SECRET);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/support/provider.js");
        let (process, issuer) = listening(Command::new("node").arg(script).arg(BACK)).await;
        let site = Site::At(issuer.strip_prefix("http://").unwrap().parse().unwrap());
        Self { issuer, site, _process: process }
    }

    fn provider(&self) -> Provider {
        self.provider_with(&self.issuer, SECRET)
    }

    fn provider_with(&self, issuer: &str, secret: &str) -> Provider {
        Provider::new(ProviderSettings {
            name: "Example School".to_owned(),
            issuer: IssuerUrl::new(issuer.to_owned()).unwrap(),
            client_id: "headwater".to_owned(),
            secret: Some(secret.into()),
            domains: vec!["staff.school.example".to_owned()],
        })
        .unwrap()
    }

    /// Goes from where the server has sent the browser to through the provider as `who`; gives where that sends it back to.
    async fn pass(&self, sent_to: &str, who: &str) -> String {
        let mut browser = Visitor::new(&self.site);
        let asked = browser.get(sent_to.strip_prefix(&self.issuer).expect("it leads to the provider")).await;
        let page = asked.location().expect("the provider asks who it is").to_owned();
        let chosen = browser.get(&format!("{page}?as={who}")).await;
        let resumed = chosen.location().expect("the provider goes on").to_owned();
        let back = browser.get(resumed.strip_prefix(&self.issuer).unwrap_or(&resumed)).await;
        let back = back.location().expect("the provider sends the browser back").to_owned();
        let back = back.strip_prefix("http://headwater.test").expect("it leads back").to_owned();
        for part in back.split(['?', '&']).filter_map(|part| part.strip_prefix("code=")) {
            secret_audit::note("authorization code", part);
        }
        back
    }

    /// The whole way from a page of ours and back, as `who`.
    async fn come(&self, browser: &mut Visitor, start: &str, who: &str) -> Answer {
        let begun = browser.get(start).await;
        let sent_to = begun.location().unwrap_or_else(|| panic!("{begun:?}")).to_owned();
        let back = self.pass(&sent_to, who).await;
        browser.get(&back).await
    }
}

/// A class on a server with the provider. Its owner has a password and the login olga@example.org.
async fn school(idp: &Idp) -> School {
    let wishes = Wishes { provider: Some(idp.provider()), ..Wishes::default() };
    School::in_world(World::start_with(wishes).await, &CLASS).await
}

/// Who is signed in.
async fn who(browser: &mut Visitor) -> Option<InstructorView> {
    browser.call("teach-instructor", &[]).await.json()
}

/// What the page that an answer leads to tells of the sign-in.
async fn told(browser: &mut Visitor, answer: &Answer) -> (String, String) {
    let location = answer.location().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (location.clone(), browser.get(&location).await.text())
}

#[tokio::test]
async fn a_person_of_a_listed_domain_gets_an_account_and_comes_back_to_it() {
    let idp = Idp::start().await;
    let school = school(&idp).await;
    let mut browser = school.world.visitor();
    let entrance: EntranceView = browser.call("teach-entrance", &[]).await.json();
    assert_eq!(entrance.provider.as_deref(), Some("Example School"));
    assert!(browser.get("/teach/login").await.text().contains("Sign in with Example School"));

    let session = browser.session().map(str::to_owned);
    let come = idp.come(&mut browser, "/teach/oidc/start?back=/teach/account", "ada").await;
    assert_eq!((come.status, come.location()), (StatusCode::SEE_OTHER, Some("/teach/account")), "{come:?}");
    assert_ne!(browser.session().map(str::to_owned), session, "the session has another id");
    let me = who(&mut browser).await.unwrap();
    assert_eq!((me.name.as_str(), me.login.as_str()), ("Ada Lovelace", "ada@staff.school.example"));
    assert!(!me.has_password && me.provider.unwrap().is_connected);

    let mut elsewhere = school.world.visitor();
    idp.come(&mut elsewhere, "/teach/oidc/start", "ada").await;
    assert_eq!(who(&mut elsewhere).await.unwrap().id, me.id, "it is the same account");
    assert_eq!(school.world.store.count_instructors().await.unwrap(), 2);
}

#[tokio::test]
async fn others_need_an_invitation() {
    let idp = Idp::start().await;
    let mut school = school(&idp).await;
    // Neither an address that nobody made sure of, nor none, nor one from elsewhere.
    for person in ["bob", "eve", "una"] {
        let mut browser = school.world.visitor();
        let come = idp.come(&mut browser, "/teach/oidc/start", person).await;
        let (location, page) = told(&mut browser, &come).await;
        assert_eq!(location, "/teach/login?back=/teach");
        assert!(page.contains("knows you, but you have no account here yet"), "{page}");
        assert!(who(&mut browser).await.is_none());
    }
    let class = school.class.clone();
    for (person, login) in [("bob", "bob@elsewhere.example"), ("una", "id-")] {
        let link = school.owner.invite(&class, "viewer").await;
        let path = link.strip_prefix("http://headwater.test").unwrap().to_owned();
        let mut browser = school.world.visitor();
        let come = idp.come(&mut browser, &format!("/teach/oidc/start?back={path}"), person).await;
        assert_eq!(come.location(), Some(path.as_str()), "{come:?}");
        assert!(who(&mut browser).await.unwrap().login.starts_with(login));
        let (_, code) = path.rsplit_once('/').unwrap();
        let accepted = browser.post("/api/teach-accept-invitation", &[("code", code)]).await;
        assert_eq!(accepted.location(), Some(format!("/teach/classes/{class}").as_str()));
    }
    let mut browser = school.world.visitor();
    let come = idp.come(&mut browser, "/teach/oidc/start?back=/teach/invitation/not-one", "eve").await;
    assert_eq!(come.location(), Some("/teach/invitation/not-one"));
    assert!(who(&mut browser).await.is_none(), "an invitation has to be one");
}

#[tokio::test]
async fn an_address_alone_opens_no_account_but_its_owner_can_connect_it() {
    let idp = Idp::start().await;
    let mut school = school(&idp).await;
    let mut browser = school.world.visitor();
    let come = idp.come(&mut browser, "/teach/oidc/start", "olga").await;
    let (_, page) = told(&mut browser, &come).await;
    assert!(page.contains("There is an account with the login olga@example.org already"), "{page}");
    assert!(who(&mut browser).await.is_none());

    let owner = &mut school.owner;
    assert!(owner.get("/teach/account").await.text().contains("Connect with Example School"));
    let come = idp.come(owner, "/teach/oidc/start?connect=true", "olga").await;
    let (location, page) = told(owner, &come).await;
    assert_eq!(location, "/teach/account");
    assert!(page.contains("You can sign in by Example School as well"), "{page}");
    let me = who(owner).await.unwrap();
    idp.come(&mut browser, "/teach/oidc/start", "olga").await;
    assert_eq!(who(&mut browser).await.unwrap().id, me.id);

    // What is somebody's already cannot be connected with another account.
    let class = school.class.clone();
    let link = school.owner.invite(&class, "viewer").await;
    let mut vera = Instructor::accept(&school.world.site, &link, "vera@example.org").await;
    let come = idp.come(&mut vera, "/teach/oidc/start?connect=true", "olga").await;
    let (_, page) = told(&mut vera, &come).await;
    assert!(page.contains("You have another account here already"), "{page}");

    let gone = school.owner.call("teach-disconnect-provider", &[]).await;
    assert_eq!(gone.status, StatusCode::OK, "{gone:?}");
    let mut later = school.world.visitor();
    idp.come(&mut later, "/teach/oidc/start", "olga").await;
    assert!(who(&mut later).await.is_none());

    idp.come(&mut later, "/teach/oidc/start", "ada").await;
    let (status, _) = refusal(&later.call("teach-disconnect-provider", &[]).await);
    assert_eq!(status, StatusCode::CONFLICT, "there would be no way in any more");
}

#[tokio::test]
async fn a_sign_in_ends_in_the_browser_in_which_it_began_and_once() {
    let idp = Idp::start().await;
    let school = school(&idp).await;
    let mut browser = school.world.visitor();
    let begun = browser.get("/teach/oidc/start").await;
    let back = idp.pass(begun.location().unwrap(), "ada").await;
    let mut other = school.world.visitor();
    let come = other.get(&back).await;
    let (location, page) = told(&mut other, &come).await;
    assert_eq!(location, "/teach/login?back=/teach");
    assert!(page.contains("was not begun in this browser"), "{page}");
    assert!(who(&mut other).await.is_none());

    assert_eq!(browser.get(&back).await.location(), Some("/teach"));
    assert!(who(&mut browser).await.is_some());
    browser.post("/api/teach-sign-out", &[]).await;
    browser.get(&back).await;
    assert!(who(&mut browser).await.is_none(), "nothing is left to be repeated");

    // Another state, an issuer that was not asked, and a code that the provider did not give.
    for (from, to) in [("state=", "state=x"), ("iss=", "iss=x"), ("code=", "code=x")] {
        let begun = browser.get("/teach/oidc/start").await;
        let back = idp.pass(begun.location().unwrap(), "ada").await;
        assert!(back.contains(from), "{back}");
        let come = browser.get(&back.replace(from, to)).await;
        assert_eq!(come.location(), Some("/teach/login?back=/teach"), "{come:?}");
        assert!(who(&mut browser).await.is_none(), "{from}");
    }
}

#[tokio::test]
async fn what_goes_wrong_at_the_provider_is_told() {
    let idp = Idp::start().await;
    let wrong_secret = idp.provider_with(&idp.issuer, "a wrong secret");
    let absent = idp.provider_with("http://127.0.0.1:9", SECRET);
    let open = async |provider| {
        let wishes = Wishes { provider: Some(provider), ..Wishes::default() };
        School::in_world(World::start_with(wishes).await, &CLASS).await
    };

    let school = open(idp.provider()).await;
    let mut browser = school.world.visitor();
    let come = idp.come(&mut browser, "/teach/oidc/start", "nobody").await;
    assert!(told(&mut browser, &come).await.1.contains("did not let you in, or you turned back there"));

    let school = open(wrong_secret).await;
    let mut browser = school.world.visitor();
    let come = idp.come(&mut browser, "/teach/oidc/start", "ada").await;
    assert!(told(&mut browser, &come).await.1.contains("answer could not be used"));

    let school = open(absent).await;
    let mut browser = school.world.visitor();
    let come = browser.get("/teach/oidc/start").await;
    assert!(told(&mut browser, &come).await.1.contains("cannot be reached at the moment"));
}

#[tokio::test]
async fn the_first_account_is_not_the_providers_to_give() {
    let idp = Idp::start().await;
    let world = World::start_with(Wishes { provider: Some(idp.provider()), ..Wishes::default() }).await;
    let mut browser = world.visitor();
    let come = idp.come(&mut browser, "/teach/oidc/start", "ada").await;
    assert!(come.location().unwrap().starts_with("/teach/login"));
    assert_eq!(world.store.count_instructors().await.unwrap(), 0);
}

#[tokio::test]
async fn without_a_provider_there_is_no_such_way() {
    let world = World::start().await;
    let mut browser = world.visitor();
    for path in ["/teach/oidc/start", "/teach/oidc/callback?state=a&code=b"] {
        assert_eq!(browser.get(path).await.location(), Some("/teach/login"));
    }
    assert!(!browser.get("/teach/login").await.text().contains("Sign in with"));
}
