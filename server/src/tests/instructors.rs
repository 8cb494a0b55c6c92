//! Accounts of instructors: the first one, signing in, invitations, passwords.

use app::error::BackendError;
use app::model::teach::{EntranceView, InstructorView, InvitationView, Role};
use axum::http::StatusCode;

use super::client::Instructor;
use super::school::{School, from_another_site, refusal};
use super::world::World;

const PASSWORD: &str = "seven ducks in a row";

async fn set_up_code(world: &World) -> String {
    world.instructors.set_up_code().await.unwrap().unwrap()
}

#[tokio::test]
async fn the_first_account_needs_the_code_from_the_terminal_and_is_made_once() {
    let world = World::start().await;
    let code = set_up_code(&world).await;
    let mut visitor = world.visitor();
    let entrance: EntranceView = visitor.call("teach-entrance", &[]).await.json();
    assert!(entrance.needs_set_up);
    let form =
        |code: &'static str| [("code", code), ("login", "ada@example.org"), ("name", "Ada"), ("password", PASSWORD)];
    for wrong in ["", "2222-2222", "' OR 1=1 --"] {
        let (status, error) = refusal(&visitor.call("teach-set-up", &form(wrong)).await);
        assert_eq!((status, error.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("code")));
    }
    Instructor::set_up(&world.site, &code.to_lowercase(), "ada@example.org").await;
    assert_eq!(world.instructors.set_up_code().await.unwrap(), None, "nothing is printed any more");
    let entrance: EntranceView = visitor.call("teach-entrance", &[]).await.json();
    assert!(!entrance.needs_set_up);
    let again = [("code", code.as_str()), ("login", "eve"), ("name", "Eve"), ("password", PASSWORD)];
    assert_eq!(refusal(&visitor.call("teach-set-up", &again).await), (StatusCode::NOT_FOUND, BackendError::NotFound));
}

#[tokio::test]
async fn what_cannot_be_an_account_is_told_by_field() {
    let world = World::start().await;
    let code = set_up_code(&world).await;
    let mut visitor = world.visitor();
    let long = "x".repeat(201);
    for (login, name, password, field) in [
        ("a b", "Ada", PASSWORD, "login"),
        ("ada", " ", PASSWORD, "name"),
        ("ada", "Ada", "too short", "password"),
        ("ada", "Ada", &long, "password"),
        ("ada@example.org", "Ada", "ADA@example.org", "password"),
    ] {
        let form = [("code", code.as_str()), ("login", login), ("name", name), ("password", password)];
        let (status, error) = refusal(&visitor.call("teach-set-up", &form).await);
        assert_eq!((status, error.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{error}");
    }
    assert_eq!(world.store.count_instructors().await.unwrap(), 0);
}

#[tokio::test]
async fn signing_in_tells_nobody_which_logins_there_are() {
    let school = School::open().await;
    let mut visitor = school.world.visitor();
    let mut told = Vec::new();
    for (login, password) in [("olga@example.org", "wrong password"), ("nobody@example.org", "wrong password")] {
        told.push(refusal(&visitor.call("teach-sign-in", &[("login", login), ("password", password)]).await));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!((told[0].0, told[0].1.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("password")));
    let mut elsewhere = school.owner.elsewhere().await;
    let who: Option<InstructorView> = elsewhere.call("teach-instructor", &[]).await.json();
    assert_eq!(who.unwrap().name, "Olga");
    assert!(elsewhere.get("/teach").await.text().contains("Streams 101"));
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_others_need_not() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let link = school.owner.invite(&class, "viewer").await;
    let viewer = Instructor::accept(&school.world.site, &link, "vera@example.org").await;
    let mut visitor = school.world.visitor();
    let guess = [("login", "Olga@example.org "), ("password", "a wrong password")];
    for _ in 0..5 {
        assert_eq!(visitor.call("teach-sign-in", &guess).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(refusal(&visitor.call("teach-sign-in", &guess).await), (StatusCode::CONFLICT, BackendError::Busy));
    viewer.elsewhere().await;
    assert!(school.owner.get("/teach").await.text().contains("Streams 101"), "who is signed in stays so");
}

#[tokio::test]
async fn a_browser_may_be_learner_and_instructor_and_either_may_go() {
    let mut school = School::open().await;
    school.owner.post("/api/start", &[]).await;
    let lab = school.owner.get("/lab/connect").await;
    assert!(lab.code_after("<dt>Account</dt>").is_some(), "{}", lab.text());
    let account = lab.code_after("<dt>Account</dt>");
    assert!(school.owner.get("/teach").await.text().contains("Streams 101"), "the instructor is still signed in");

    let before = school.owner.session().map(str::to_owned);
    let out = school.owner.post("/api/teach-sign-out", &[]).await;
    assert_eq!(out.location(), Some("/teach/login"));
    assert_ne!(school.owner.session().map(str::to_owned), before, "the session has another id");
    let gone: Option<InstructorView> = school.owner.call("teach-instructor", &[]).await.json();
    assert_eq!(gone, None);
    assert_eq!(school.owner.get("/lab/connect").await.code_after("<dt>Account</dt>"), account, "the learner stays");

    school.owner.sign_in().await;
    assert_eq!(school.owner.get("/lab/connect").await.code_after("<dt>Account</dt>"), account, "the learner stays");
    school.owner.post("/api/forget", &[]).await;
    assert!(school.owner.get("/lab/connect").await.code_after("<dt>Account</dt>").is_none(), "the learner is gone");
    assert!(school.owner.get("/teach").await.text().contains("Streams 101"), "the instructor stays");
}

#[tokio::test]
async fn a_new_password_ends_other_sessions_but_not_the_learner_in_them() {
    let mut school = School::open().await;
    let mut elsewhere = school.owner.elsewhere().await;
    elsewhere.post("/api/start", &[]).await;
    let account = elsewhere.get("/lab/connect").await.code_after("<dt>Account</dt>");
    assert!(account.is_some());
    let old = school.owner.password.clone();
    let form = |current: &str, new: &str| [("current", current.to_owned()), ("password", new.to_owned())];
    let post = |form: [(&'static str, String); 2]| form.map(|(name, value)| (name, value));
    for (current, new, field) in [("a wrong password", PASSWORD, "current"), (&*old, "short", "password")] {
        let form = post(form(current, new));
        let fields: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (_, error) = refusal(&school.owner.call("teach-change-password", &fields).await);
        assert_eq!(error.field(), Some(field));
    }
    let fields = [("current", old.as_str()), ("password", PASSWORD)];
    assert_eq!(school.owner.call("teach-change-password", &fields).await.status, StatusCode::OK);
    assert!(school.owner.get("/teach").await.text().contains("Streams 101"), "this browser stays signed in");
    let gone: Option<InstructorView> = elsewhere.call("teach-instructor", &[]).await.json();
    assert_eq!(gone, None);
    assert_eq!(elsewhere.get("/lab/connect").await.code_after("<dt>Account</dt>"), account);
    assert_eq!(elsewhere.sign_in().await.location(), Some("/teach/login#sign-in"), "the old password is worth nothing");
}

#[tokio::test]
async fn an_invitation_is_accepted_once_by_whoever_has_its_link() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let link = school.owner.invite(&class, "teacher").await;
    let (site, code) = link.rsplit_once("/teach/invitation/").unwrap();
    assert_eq!(site, "http://headwater.test");
    let shown = school.owner.call("teach-shown-once", &[("class", &class)]).await;
    assert_eq!(shown.body, "null", "it is shown once");
    let mut visitor = school.world.visitor();
    let invitation: InvitationView = visitor.call("teach-invitation", &[("code", code)]).await.json();
    assert_eq!((invitation.class_name.as_str(), invitation.role), ("Streams 101", Role::Teacher));
    assert_eq!((invitation.invited_by.as_str(), invitation.signed_in), ("Olga", None));
    let nobody = refusal(&visitor.call("teach-accept-invitation", &[("code", code)]).await);
    assert_eq!(nobody, (StatusCode::UNAUTHORIZED, BackendError::NotSignedIn));
    Instructor::accept(&school.world.site, &link, "tom@example.org").await;
    for used in [code, "", "K7QM-2XRD-9HTV-W4BC", &"x".repeat(1000)] {
        assert_eq!(visitor.call("teach-invitation", &[("code", used)]).await.status, StatusCode::NOT_FOUND);
    }
    let roles: Vec<_> = school.world.store.staff(&school.id()).await.unwrap();
    assert_eq!(roles.iter().map(|one| one.role.as_str()).collect::<Vec<_>>(), ["owner", "teacher"]);
}

#[tokio::test]
async fn another_site_cannot_act_for_an_instructor() {
    let mut school = School::open().await;
    for path in ["/api/teach-sign-out", "/api/teach-act", "/api/teach-create-class", "/api/teach-change-password"] {
        let request = from_another_site(&school.owner, path);
        assert_eq!(school.owner.send(request).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(school.owner.get("/teach").await.text().contains("Streams 101"));
}

#[tokio::test]
async fn passwords_are_nowhere_in_clear() {
    let school = School::open().await;
    let hash: String =
        sqlx::query_scalar("SELECT password_hash FROM instructor").fetch_one(school.world.sqlite()).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let sessions: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT data FROM tower_sessions").fetch_all(school.world.sqlite()).await.unwrap();
    for session in sessions {
        let text = String::from_utf8_lossy(&session);
        assert!(!text.contains("argon2") && !text.contains(&school.owner.password), "{text}");
    }
}
