//! Launches from a learning platform of others' making.

use app::model::teach::SettingsView;
use axum::body::Body;
use axum::http::{Method, StatusCode};
use classroom::Event;
use deliveries::Reach;

use super::client::{Answer, Visitor};
use super::course::Course;
use super::school::{CLASS, School, refusal};
use super::world::{Wishes, World};

const TOOL: &str = "https://headwater.test";
const COOKIE: &str = "__Host-headwater-lti";
/// The same with two labs to choose from.
const TWO_LABS: [(&str, &str); 5] = [
    ("name", "Streams 101"),
    ("starts_at", "2020-01-01T08:00"),
    ("ends_at", "2099-01-01T08:00"),
    ("lab-sandbox-sql", "on"),
    ("lab-sandbox-window", "on"),
];

/// A class that a course may launch into.
async fn school(fields: &[(&str, &str)]) -> (School, Course) {
    let course = Course::start(TOOL).await;
    let wishes = Wishes { reach: Reach::Everywhere, secure_cookie: true, ..Wishes::default() };
    let mut school = School::in_world(World::start_with(wishes).await, fields).await;
    let class = school.class.clone();
    let registered = course.register(&mut school.owner, &class).await;
    assert_eq!(registered.status, StatusCode::OK, "{registered:?}");
    (school, course)
}

/// The names of all who are in the class.
async fn names(school: &mut School) -> Vec<String> {
    school.rows().await.rows.iter().map(|row| row.name.clone()).collect()
}

/// The page of a launch that came to nothing.
fn refused(answer: &Answer) -> (StatusCode, String) {
    assert!(answer.text().contains("The lab cannot be opened"), "{answer:?}");
    (answer.status, answer.text())
}

#[tokio::test]
async fn a_learner_comes_in_by_the_courses_name_and_back_to_the_same_lab() {
    let (mut school, course) = school(&CLASS).await;
    let mut browser = school.world.visitor();
    let launched = course.launch(&mut browser, "link", "ada").await;
    assert_eq!((launched.status, launched.location()), (StatusCode::SEE_OTHER, Some("/lab/connect")), "{launched:?}");
    let account = browser.get("/lab/connect").await.code_after("<dt>Account</dt>").unwrap();
    assert_eq!(names(&mut school).await, ["Ada Lovelace"]);

    let mut elsewhere = school.world.visitor();
    course.launch(&mut elsewhere, "link", "ada").await;
    assert_eq!(elsewhere.get("/lab/connect").await.code_after("<dt>Account</dt>"), Some(account));
    course.launch(&mut school.world.visitor(), "link", "alan").await;
    let mut all = names(&mut school).await;
    all.sort();
    assert_eq!(all, ["Ada Lovelace", "Alan Turing"]);
    let class = school.class.clone();
    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    assert!(settings.lti.platforms[0].launched_at.is_some() && settings.lti.platforms[0].takes_grades);
}

#[tokio::test]
async fn who_teaches_goes_to_the_board_with_an_account_of_their_own() {
    let (mut school, course) = school(&CLASS).await;
    let board = format!("/teach/classes/{}", school.class);
    for user in ["grace", "tess"] {
        let mut browser = school.world.visitor();
        let launched = course.launch(&mut browser, "link", user).await;
        assert_eq!(launched.location(), Some(board.as_str()), "{launched:?}");
        assert_eq!(browser.get(&board).await.status, StatusCode::UNAUTHORIZED, "a platform gives no rights");
    }
    let launched = course.launch(&mut school.owner, "link", "grace").await;
    assert_eq!(launched.location(), Some(board.as_str()));
    assert_eq!(school.owner.get(&board).await.status, StatusCode::OK, "who is signed in stays so");
    let (status, text) = refused(&course.launch(&mut school.world.visitor(), "link", "max").await);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("neither as a learner nor as a teacher"), "{text}");
    assert_eq!(names(&mut school).await, [""; 0]);
}

#[tokio::test]
async fn a_browser_that_shows_no_cookie_is_asked_and_another_is_refused() {
    let (mut school, course) = school(&CLASS).await;
    let mut browser = school.world.visitor();
    let form = course.form(&mut browser, "link", "ada").await;
    let cookie = browser.cookies.remove(COOKIE).unwrap();
    let asked = course.post(&mut browser, "/lti/launch", form.clone()).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.text().contains("Go on as Ada Lovelace?"), "{asked:?}");
    assert!(asked.headers["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(names(&mut school).await, [""; 0], "nobody is in before they say so");
    assert_eq!(browser.session(), None);

    let mut other = school.world.visitor();
    other.cookies.insert(COOKIE.to_owned(), cookie.chars().rev().collect());
    let (status, text) = refused(&course.post(&mut other, "/lti/launch", form.clone()).await);
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(text.contains("begun in another browser"), "{text}");

    // A page of the platform cannot answer for the person.
    let foreign = course.post(&mut browser, "/lti/confirm", form.clone()).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let fields: Vec<(String, String)> = serde_urlencoded::from_str(&form).unwrap();
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let confirmed = browser.post("/lti/confirm", &fields).await;
    assert_eq!(confirmed.location(), Some("/lab/connect"), "{confirmed:?}");
    assert_eq!(names(&mut school).await, ["Ada Lovelace"]);

    let again = school.world.visitor().post("/lti/confirm", &fields).await;
    assert!(refused(&again).1.contains("used before"));
}

#[tokio::test]
async fn another_lab_of_the_browser_is_not_left_unasked() {
    let (mut school, course) = school(&CLASS).await;
    let mut browser = school.world.visitor();
    browser.post("/api/start", &[]).await;
    let before = browser.get("/lab/connect").await.code_after("<dt>Account</dt>").unwrap();
    let asked = course.launch(&mut browser, "link", "ada").await;
    assert!(asked.text().contains("This browser has another lab"), "{asked:?}");
    assert_eq!(browser.get("/lab/connect").await.code_after("<dt>Account</dt>"), Some(before.clone()));
    let form = asked.body;
    let field = |name: &str| super::course::between(&form, &format!("name=\"{name}\" value=\"")).to_owned();
    let (state, id_token) = (field("state"), field("id_token"));
    let confirmed = browser.post("/lti/confirm", &[("state", &state), ("id_token", &id_token)]).await;
    assert_eq!(confirmed.location(), Some("/lab/connect"), "{confirmed:?}");
    assert_ne!(browser.get("/lab/connect").await.code_after("<dt>Account</dt>"), Some(before));
    assert_eq!(names(&mut school).await, ["Ada Lovelace"]);
}

#[tokio::test]
async fn what_the_course_does_not_tell_is_asked() {
    let (mut school, course) = school(&TWO_LABS).await;
    let mut browser = school.world.visitor();
    let asked = course.launch(&mut browser, "link", "una").await;
    let text = asked.text();
    assert!(text.contains("Your name") && text.contains("Your lab"), "{text}");
    let field = |name: &str| super::course::between(&asked.body, &format!("name=\"{name}\" value=\"")).to_owned();
    let (state, id_token) = (field("state"), field("id_token"));
    let typed = [("state", state.as_str()), ("id_token", &id_token), ("name", " Una "), ("lab", "sandbox-window")];
    let confirmed = browser.post("/lti/confirm", &typed).await;
    assert_eq!(confirmed.location(), Some("/lab/connect"), "{confirmed:?}");
    assert_eq!(names(&mut school).await, ["Una"]);
    assert!(browser.get("/lab/streaming-sql").await.text().contains("tumbling"), "the lab that was chosen");

    // A link that names a lab asks for none.
    let message = "link;lab=sandbox-sql";
    let launched = course.launch(&mut school.world.visitor(), message, "ada").await;
    assert_eq!(launched.location(), Some("/lab/connect"), "{launched:?}");
}

#[tokio::test]
async fn one_platform_may_launch_into_several_classes_and_the_link_tells_which() {
    let (mut school, course) = school(&CLASS).await;
    let other = school.owner.create_class(&[("name", "Streams 102"), CLASS[1], CLASS[2], CLASS[3]]).await;
    let unregistered = school.owner.create_class(&CLASS).await;
    assert_eq!(course.register(&mut school.owner, &other).await.status, StatusCode::OK);
    let unclear = course.launch(&mut school.world.visitor(), "link", "ada").await;
    assert!(refused(&unclear).1.contains("several classes"));
    let launched = course.launch(&mut school.world.visitor(), &format!("link;class={other}"), "ada").await;
    assert_eq!(launched.location(), Some("/lab/connect"), "{launched:?}");
    assert_eq!(names(&mut school).await, [""; 0], "not into the first");
    for class in [unregistered.as_str(), "nonsense"] {
        let launched = course.launch(&mut school.world.visitor(), &format!("link;class={class}"), "ada").await;
        assert!(refused(&launched).1.contains("not open to this course"));
    }
}

#[tokio::test]
async fn the_classes_own_rules_hold_for_who_is_launched() {
    let (mut school, course) = school(&[CLASS[0], CLASS[1], CLASS[2], CLASS[3], ("approval", "on")]).await;
    let class = school.class.clone();
    let mut browser = school.world.visitor();
    course.launch(&mut browser, "link", "ada").await;
    assert_eq!(names(&mut school).await, [""; 0], "somebody lets them in");
    assert_eq!(school.owner.act(&class, "admit-all", &[]).await.status, StatusCode::OK);
    let learner = school.rows().await.rows[0].learner.clone();
    assert_eq!(school.owner.act(&class, "remove", &[("learner", &learner)]).await.status, StatusCode::OK);
    let back = course.launch(&mut school.world.visitor(), "link", "ada").await;
    assert_eq!(back.location(), Some("/lab/connect"), "the lab is still theirs");
    assert_eq!(names(&mut school).await, [""; 0], "and the class is not");

    assert_eq!(school.owner.act(&class, "archive", &[]).await.status, StatusCode::OK);
    let late = course.launch(&mut school.world.visitor(), "link", "alan").await;
    assert!(refused(&late).1.contains("The class is in the archive"));
}

#[tokio::test]
async fn what_is_not_registered_is_refused() {
    let (mut school, course) = school(&CLASS).await;
    let class = school.class.clone();
    let mut browser = school.world.visitor();
    let form = course.form(&mut browser, "link", "ada").await;
    let mut fields = course.fields();
    fields[2].1 = "another".to_owned();
    let typed: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(school.owner.act(&class, "add-platform", &typed).await.status, StatusCode::OK);
    let launched = course.post(&mut browser, "/lti/launch", form).await;
    assert!(refused(&launched).1.contains("deployment that is not registered"));

    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    let id = settings.lti.platforms[0].id.clone();
    assert_eq!(school.owner.act(&class, "remove-platform", &[("platform", &id)]).await.status, StatusCode::OK);
    let login = browser.get(&course.login("link", "ada").await).await;
    assert!(refused(&login).1.contains("not registered here"));
    for form in ["", "iss=a&iss=b", "state=a&id_token=b", "error=login_required", "%ff"] {
        let answer = course.post(&mut browser, "/lti/launch", form.to_owned()).await;
        assert!(refused(&answer).0.is_client_error(), "{form}");
    }
}

#[tokio::test]
async fn a_registration_is_looked_at_field_by_field() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let good = [
        ("issuer", "https://moodle.example"),
        ("client_id", "a"),
        ("deployment_ids", "1 2"),
        ("auth_url", "https://moodle.example/auth"),
        ("token_url", "https://moodle.example/token"),
        ("jwks_url", "https://moodle.example/jwks"),
        ("service_hosts", "https://grades.example"),
    ];
    assert_eq!(school.owner.act(&class, "add-platform", &good).await.status, StatusCode::OK);
    let with = |name: &str, value: &'static str| good.map(|pair| if pair.0 == name { (pair.0, value) } else { pair });
    for (field, value) in [
        ("auth_url", "http://moodle.example/auth"),
        ("token_url", "https://10.0.0.1/token"),
        ("jwks_url", "http://127.0.0.1:9/jwks"),
        ("service_hosts", "https://169.254.169.254"),
        ("deployment_ids", " "),
    ] {
        let (status, error) = refusal(&school.owner.act(&class, "add-platform", &with(field, value)).await);
        assert_eq!((status, error.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some(field)), "{error}");
    }
    // Who has another class cannot send this one's learners elsewhere.
    let mut staff = school.staff().await;
    let own = staff.stranger.create_class(&CLASS).await;
    let elsewhere = with("auth_url", "https://evil.example/auth");
    let (status, error) = refusal(&staff.stranger.act(&own, "add-platform", &elsewhere).await);
    assert_eq!((status, error.field()), (StatusCode::UNPROCESSABLE_ENTITY, Some("auth_url")), "{error}");
    assert_eq!(staff.stranger.act(&own, "add-platform", &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn in_a_frame_a_window_of_its_own_is_offered() {
    let (school, course) = school(&CLASS).await;
    let mut browser = school.world.visitor();
    let framed = async |browser: &mut Visitor, path: &str| {
        let request = browser.request(Method::GET, path).header("sec-fetch-dest", "iframe");
        browser.send(request.body(Body::empty()).unwrap()).await
    };
    let login = course.login("link", "ada").await;
    let offered = framed(&mut browser, &login).await;
    assert_eq!(offered.status, StatusCode::OK);
    let link = super::course::between(&offered.body, "href=\"https://headwater.test/lti/login?").replace("&amp;", "&");
    let begun = browser.get(&format!("/lti/login?{link}")).await;
    assert!(begun.location().unwrap().starts_with(&format!("{}/auth?", course.address)), "{begun:?}");
    let choosing = framed(&mut browser, &course.login("deep", "grace").await).await;
    assert!(choosing.location().is_some(), "content is chosen within the frame: {choosing:?}");
}

#[tokio::test]
async fn keys_are_the_same_after_a_restart_and_learners_choose_nothing() {
    let (school, course) = school(&CLASS).await;
    let mut browser = school.world.visitor();
    let keys: serde_json::Value = browser.get("/lti/keys").await.json();
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    assert!(keys["keys"][0].get("d").is_none(), "the private half stays here");
    let pem = school.world.store.setting("lti-tool-key").await.unwrap().unwrap();
    assert!(!pem.contains("PRIVATE KEY"), "it is sealed");
    let chosen = course.launch(&mut browser, "deep", "ada").await;
    assert!(refused(&chosen).1.contains("Only those who teach"));
    let entries = school.world.store.log_after(&school.id(), 0, 100).await.unwrap();
    assert!(!entries.iter().any(|entry| matches!(entry.event, Event::Joined)));
}
