//! What the staff of a class may do, and what they are shown.

use app::error::BackendError;
use app::model::teach::{
    Act, ClassLearnerView, ClassResultsView, ClassesView, HelpView, Membership, Points, ResultsQuery, Role,
    SettingsView,
};
use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use classroom::VerdictKind::{Pass, Wrong};
use serde_json::json;
use store::{ClassId, LearnerId, MemberState};

use super::client::{Instructor, Learner};
use super::school::{CLASS, School, Staff, refusal};
use crate::state::now;

/// A form of a class with its fields, and the least role that may post it.
type Form = (Act, Vec<(&'static str, String)>, Role);

/// Every form of a class, with fields that are right if `learner` is in it, and the least role that may post it.
fn forms(learner: &LearnerId, other: &LearnerId) -> Vec<Form> {
    let of = |act, fields: &[(&'static str, &str)], role| {
        (act, fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), role)
    };
    let (learner, other) = (learner.as_str(), other.as_str());
    let class: Vec<(&str, &str)> = CLASS.to_vec();
    let nobody = "0123456789abcdef0123456789abcdef";
    let platform = [
        ("issuer", "https://school.example"),
        ("client_id", "42"),
        ("deployment_ids", "1"),
        ("auth_url", "https://school.example/auth"),
        ("token_url", "https://school.example/token"),
        ("jwks_url", "https://school.example/keys"),
    ];
    let xapi = [("endpoint", "https://lrs.example/xapi"), ("key", "key"), ("secret", "secret of the record store")];
    vec![
        of(Act::SendHint, &[("learner", learner), ("text", "Look at the prefix.")], Role::Teacher),
        of(Act::Resolve, &[("learner", learner), ("subject", "hand")], Role::Teacher),
        of(Act::Reopen, &[("learner", learner), ("subject", "step-ingest")], Role::Teacher),
        of(Act::ResolveCluster, &[("cluster", "delivery-stream.prefix.00000000")], Role::Teacher),
        of(Act::Admit, &[("learner", nobody)], Role::Teacher),
        of(Act::AdmitAll, &[], Role::Teacher),
        of(Act::Refuse, &[("learner", nobody)], Role::Teacher),
        of(Act::RefuseAll, &[], Role::Teacher),
        of(Act::Rename, &[("learner", learner), ("name", "Lin")], Role::Teacher),
        of(Act::Remove, &[("learner", other)], Role::Teacher),
        of(Act::LetBackIn, &[("learner", other)], Role::Teacher),
        of(Act::Save, &class, Role::Owner),
        of(Act::NewJoinCode, &[], Role::Owner),
        of(Act::SavePoints, &[("points-ingest.rows", "5"), ("assisted_percent", "20")], Role::Owner),
        of(Act::Invite, &[("role", "viewer")], Role::Owner),
        of(Act::Revoke, &[("invitation", nobody)], Role::Owner),
        of(Act::SetRole, &[("instructor", nobody), ("role", "owner")], Role::Owner),
        of(Act::RemoveStaff, &[("instructor", nobody)], Role::Owner),
        of(Act::AddWebhook, &[("url", "https://hook.example/"), ("kind-help", "on")], Role::Owner),
        of(Act::TestWebhook, &[("webhook", nobody)], Role::Owner),
        of(Act::SwitchOnWebhook, &[("webhook", nobody)], Role::Owner),
        of(Act::RemoveWebhook, &[("webhook", nobody)], Role::Owner),
        of(Act::AddPlatform, &platform, Role::Owner),
        of(Act::RemovePlatform, &[("platform", nobody)], Role::Owner),
        of(Act::SaveXapi, &xapi, Role::Owner),
        of(Act::RemoveXapi, &[], Role::Owner),
        of(Act::Archive, &[], Role::Owner),
        of(Act::Restore, &[], Role::Owner),
        of(Act::Delete, &[("typed", "another name")], Role::Owner),
    ]
}

async fn post(who: &mut Instructor, class: &str, act: Act, fields: &[(&'static str, String)]) -> (StatusCode, String) {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = who.act(class, act.as_str(), &fields).await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn each_role_may_what_it_may_and_no_more() {
    let mut school = School::open().await;
    let Staff { mut teacher, mut viewer, mut stranger } = school.staff().await;
    let (learner, other) = (school.join("Lina").await, school.join("Ole").await);
    school.sealed().await;
    let class = school.class.clone();
    let forms = forms(&learner, &other);
    assert_eq!(forms.len(), 29, "a form was added: which role may post it?");
    for (act, fields, least) in &forms {
        let told = post(&mut stranger, &class, *act, fields).await;
        assert_eq!(told, (StatusCode::NOT_FOUND, "\"NotFound\"".to_owned()), "a stranger, {act:?}");
        let told = post(&mut viewer, &class, *act, fields).await;
        assert_eq!(told, (StatusCode::FORBIDDEN, "\"NotAllowed\"".to_owned()), "a viewer, {act:?}");
        let told = post(&mut teacher, &class, *act, fields).await;
        let is_refused = told == (StatusCode::FORBIDDEN, "\"NotAllowed\"".to_owned());
        assert_eq!(is_refused, *least == Role::Owner, "a teacher, {act:?}: {told:?}");
        let nobody = post(&mut Instructor::nobody(&school.world.site), &class, *act, fields).await;
        assert_eq!(nobody, (StatusCode::UNAUTHORIZED, "\"NotSignedIn\"".to_owned()), "nobody, {act:?}");
    }
    for (act, fields, _) in &forms {
        let (status, body) = post(&mut school.owner, &class, *act, fields).await;
        let is_let = !matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
        assert!(is_let && status != StatusCode::INTERNAL_SERVER_ERROR, "the owner, {act:?}: {body}");
    }
}

#[tokio::test]
async fn pages_of_a_class_are_for_its_staff() {
    let mut school = School::open().await;
    let Staff { mut teacher, mut viewer, mut stranger } = school.staff().await;
    let learner = school.join("Lina").await;
    school.sealed().await;
    let class = school.class.clone();
    let base = format!("/teach/classes/{class}");
    let learners = format!("{base}/learners/{learner}");
    for path in [&base, &format!("{base}/help"), &format!("{base}/results"), &learners] {
        for who in [&mut *school.owner, &mut *teacher, &mut *viewer] {
            let page = who.get(path).await;
            assert!(page.status == StatusCode::OK && page.text().contains("Streams 101"), "{path}: {}", page.text());
        }
        let page = stranger.get(path).await;
        assert!(!page.text().contains("Streams 101"), "{path}: {}", page.text());
        assert!(!school.world.visitor().get(path).await.text().contains("Streams 101"), "{path}");
    }
    let settings = format!("{base}/settings");
    assert!(school.owner.get(&settings).await.text().contains("Points"));
    for who in [&mut *teacher, &mut *viewer] {
        let refused = refusal(&who.call("teach-settings", &[("class", &class)]).await);
        assert_eq!(refused, (StatusCode::FORBIDDEN, BackendError::NotAllowed));
    }
    for file in ["events", "results.csv", "results.json"] {
        let path = format!("{base}/{file}");
        assert_eq!(viewer.open(&path).await.status(), StatusCode::OK, "{file}");
        assert_eq!(stranger.open(&path).await.status(), StatusCode::NOT_FOUND, "{file}");
        assert_eq!(school.world.visitor().open(&path).await.status(), StatusCode::UNAUTHORIZED, "{file}");
    }
}

#[tokio::test]
async fn ids_from_outside_lead_nowhere() {
    let mut school = School::open().await;
    let other = ClassId::generate();
    for class in ["", "..", "' OR 1=1 --", "%00", "0123456789ABCDEF0123456789ABCDEF", other.as_str(), &"a".repeat(5000)]
    {
        let refused = refusal(&school.owner.call("teach-help", &[("class", class)]).await);
        assert_eq!(refused, (StatusCode::NOT_FOUND, BackendError::NotFound), "{class}");
    }
    assert_eq!(school.owner.open("/teach/classes/..%2f..%2fetc/events").await.status(), StatusCode::NOT_FOUND);
    let class = school.class.clone();
    let stranger = school.new_learner().await;
    for learner in ["..", "0123456789ABCDEF0123456789ABCDEF", stranger.as_str()] {
        let refused = school.owner.call("teach-learner", &[("class", &class), ("learner", learner)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{learner}");
        for act in ["rename", "remove", "let-back-in", "send-hint"] {
            let fields = [("learner", learner), ("name", "x"), ("text", "x")];
            assert_eq!(school.owner.act(&class, act, &fields).await.status, StatusCode::NOT_FOUND, "{act} {learner}");
        }
    }
    let odd = school.events_path("?after=-9223372036854775809&rows=%00");
    let odd = school.owner.open(&odd).await;
    assert_eq!(odd.status(), StatusCode::OK, "what cannot be a number is none");
}

#[tokio::test]
async fn who_waits_is_let_in_or_sent_away() {
    let mut fields = CLASS.to_vec();
    fields.push(("approval", "on"));
    let mut school = School::open_with(&fields).await;
    let (lina, ole, pia) = (school.join("Lina").await, school.join("Ole").await, school.join("Pia").await);
    let class = school.class.clone();
    let page = school.owner.get(&format!("/teach/classes/{class}")).await.text();
    assert!(page.contains("Lina") && page.contains("Ole"), "{page}");
    assert_eq!(school.owner.act(&class, "admit", &[("learner", lina.as_str())]).await.status, StatusCode::OK);
    assert_eq!(school.owner.act(&class, "refuse", &[("learner", ole.as_str())]).await.status, StatusCode::OK);
    let again = refusal(&school.owner.act(&class, "admit", &[("learner", ole.as_str())]).await);
    assert!(matches!(again.1, BackendError::Refused { .. }), "{again:?}");
    let all = school.owner.act(&class, "admit-all", &[]).await;
    assert!(all.body.contains("1 learner is let in."), "{all:?}");
    for (learner, state) in [(lina, MemberState::Active), (ole, MemberState::Removed), (pia, MemberState::Active)] {
        assert_eq!(school.world.store.member(&learner).await.unwrap().unwrap().state, state);
    }
    assert_eq!(school.rows().await.rows.len(), 2, "the page that follows shows it at once");
}

#[tokio::test]
async fn hints_reach_one_or_a_cluster_and_hands_go_down() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let learners = [school.join("Lina").await, school.join("Ole").await, school.join("Pia").await];
    for learner in &learners[..2] {
        school.check(learner, "delivery-stream", "prefix", Wrong, "prefix").await;
    }
    school.world.store.raise_hand(&learners[2], "ingest", now()).await.unwrap();
    school.sealed().await;
    let list: ClassesView = school.owner.call("teach-classes", &[]).await.json();
    assert_eq!((list.classes[0].learners, list.classes[0].hands, list.classes[0].unread), (3, 1, 1));
    let help: HelpView = school.owner.call("teach-help", &[("class", &class)]).await.json();
    assert_eq!((help.clusters.len(), help.open.len(), help.open[0].learner.name.as_str()), (1, 1, "Pia"));
    let cluster = &help.clusters[0];
    assert_eq!((cluster.cause.as_str(), cluster.learners.len(), cluster.of), ("prefix", 2, 2));
    assert!(!cluster.suggestions.is_empty() && !cluster.suggestions[0].text.contains('<'), "{cluster:?}");
    let list: ClassesView = school.owner.call("teach-classes", &[]).await.json();
    assert_eq!(list.classes[0].unread, 0, "looking at the queue marks it as read");

    let fields = [("cluster", cluster.id.as_str()), ("text", "A slash at the end.")];
    let sent = school.owner.act(&class, "send-hint", &fields).await;
    assert!(sent.body.contains("sent to 2 learners"), "{sent:?}");
    let one = [("learner", learners[2].as_str()), ("text", "I am coming.")];
    assert_eq!(school.owner.act(&class, "send-hint", &one).await.status, StatusCode::OK);
    for (learner, words) in learners.iter().zip(["A slash at the end.", "A slash at the end.", "I am coming."]) {
        let hints = school.world.store.hints(learner).await.unwrap();
        assert_eq!((hints.len(), hints[0].words.as_str(), hints[0].sent_by.as_str()), (1, words, "Olga"));
    }
    let hand = [("learner", learners[2].as_str()), ("subject", "hand")];
    assert_eq!(school.owner.act(&class, "resolve", &hand).await.status, StatusCode::OK);
    let cluster = [("cluster", cluster.id.as_str())];
    assert_eq!(school.owner.act(&class, "resolve-cluster", &cluster).await.status, StatusCode::OK);
    let help: HelpView = school.owner.call("teach-help", &[("class", &class)]).await.json();
    assert!(help.open.is_empty(), "{:?}", help.open);
    let pias = help.resolved.iter().find(|item| item.learner.name == "Pia").unwrap();
    assert_eq!(json!(pias.state)["Resolved"]["by"], "Olga");
    assert_eq!(school.owner.act(&class, "reopen", &hand).await.status, StatusCode::OK);
    let help: HelpView = school.owner.call("teach-help", &[("class", &class)]).await.json();
    assert_eq!(help.open.len(), 1);
    let names: i64 = sqlx::query_scalar("SELECT count(*) FROM event WHERE body LIKE '%Olga%' OR body LIKE '%Pia%'")
        .fetch_one(school.world.sqlite())
        .await
        .unwrap();
    assert_eq!(names, 0, "no name of a person is in the log");
}

#[tokio::test]
async fn a_learner_is_shown_with_evidence_and_without_secrets() {
    let mut school = School::open().await;
    let mut learner = Learner::start(&school.world.site).await;
    let code = store::ResumeCode::parse(&learner.resume_code).unwrap();
    let id = school.world.store.learner_by_resume_code(&code).await.unwrap().unwrap().id;
    let class = school.world.store.class(&school.id()).await.unwrap().unwrap();
    school.world.store.join(&class, &id, Some("</title><b>Lina</b>"), now()).await.unwrap();
    learner.create_bucket().await;
    school.sealed().await;
    let page = school.owner.get(&format!("/teach/classes/{}/learners/{id}", school.class)).await;
    let text = page.text();
    assert!(text.contains("</title><b>Lina</b>") && text.contains(&learner.bucket), "{text}");
    assert!(!page.html().contains("<b>Lina"), "a name is text");
    for secret in [&learner.secret, &learner.access_key, &learner.resume_code] {
        assert!(!page.body.contains(secret.as_str()));
    }
    let fields = [("class", school.class.as_str()), ("learner", id.as_str())];
    let shown: ClassLearnerView = school.owner.call("teach-learner", &fields).await.json();
    assert!(matches!(shown.membership, Membership::In { .. }));
    assert_eq!(shown.lab, "a SQL application, in the sandbox");
    let bucket = shown.steps[1].checks.iter().find(|check| check.id == "delivery-stream.bucket").unwrap();
    assert!(bucket.last.as_ref().is_some_and(|last| !last.evidence.is_empty()), "{bucket:?}");
    assert_eq!((shown.steps[1].points, shown.row.points), (Points::whole(1), Points::whole(1)));
    assert!(shown.timeline.iter().any(|line| line.text == "Check passes: The bucket is there"), "{:?}", shown.timeline);

    school.world.store.leave(&school.id(), &id, now()).await.unwrap();
    learner.perform("delivery-stream", "delete-bucket", &[]).await;
    school.sealed().await;
    let shown: ClassLearnerView = school.owner.call("teach-learner", &fields).await.json();
    assert!(matches!(shown.membership, Membership::Left { .. }), "{:?}", shown.membership);
    let bucket = shown.steps[1].checks.iter().find(|check| check.id == "delivery-stream.bucket").unwrap();
    assert!(bucket.passed_at.is_some() && bucket.last.is_none(), "who has left is known by the log only");
}

#[tokio::test]
async fn settings_are_kept_and_points_count_at_once() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let learner = school.join("Lina").await;
    school.check(&learner, "ingest", "rows", Pass, "").await;
    school.sealed().await;
    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    let checks = settings.points.steps.iter().flat_map(|step| &step.checks);
    assert!(checks.clone().all(|(_, _, points)| *points == 1), "a check is worth a point");
    let count = checks.count() as u32;
    let query = serde_json::to_value(ResultsQuery::default()).unwrap();
    let results = results(&mut school, &query).await;
    assert_eq!(
        (results.points_possible, results.rows[0].total, results.rows[0].name.as_str()),
        (count, Points::whole(1), "Lina")
    );

    let points = [("points-ingest.rows", "40"), ("assisted_percent", "0")];
    assert_eq!(school.owner.act(&class, "save-points", &points).await.status, StatusCode::OK);
    assert_eq!(school.rows().await.rows[0].points, Points::whole(40));
    let unknown = [("points-nowhere.rows", "40"), ("assisted_percent", "0")];
    assert_eq!(school.owner.act(&class, "save-points", &unknown).await.status, StatusCode::NOT_FOUND);

    let mut changed = CLASS.to_vec();
    changed.extend([("lab-sandbox-window", "on"), ("anonymous", "on")]);
    changed[0] = ("name", "Streams 102");
    assert_eq!(school.owner.act(&class, "save", &changed).await.status, StatusCode::OK);
    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    assert_eq!((settings.class.name.as_str(), settings.labs.len(), settings.anonymous), ("Streams 102", 2, true));
    let worth = |check: &str| {
        let mut checks = settings.points.steps.iter().flat_map(|step| &step.checks);
        checks.find(|(id, _, _)| id == check).map(|(_, _, points)| *points)
    };
    assert_eq!(worth("ingest.rows"), Some(40), "both labs have it");
    assert_eq!(worth("streaming-sql.code"), Some(0), "only one of the labs has it");
    assert_eq!(worth("delivery-stream.data-stream"), Some(0), "only the other has it");

    let mut account = CLASS.to_vec();
    account.push(("lab-account-flink", "on"));
    let refused = refusal(&school.owner.act(&class, "save", &account).await);
    assert_eq!(refused.1.field(), Some("labs"), "this server has no labs in accounts");
}

async fn results(school: &mut School, query: &serde_json::Value) -> ClassResultsView {
    let body = json!({ "class": school.class, "query": query }).to_string();
    let request = (school.owner.request(Method::POST, "/api/teach-results"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json")
        .body(Body::from(body))
        .unwrap();
    school.owner.send(request).await.json()
}

#[tokio::test]
async fn the_staff_changes_but_an_owner_remains() {
    let mut school = School::open().await;
    let staff = school.staff().await;
    let class = school.class.clone();
    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    let id = |login: &str| settings.staff.iter().find(|one| one.login == login).unwrap().id.clone();
    let (olga, tom, vera) = (id("olga@example.org"), id("tom@example.org"), id("vera@example.org"));
    let alone = refusal(&school.owner.act(&class, "set-role", &[("instructor", &olga), ("role", "viewer")]).await);
    assert!(matches!(&alone.1, BackendError::Refused { message } if message.contains("needs an owner")), "{alone:?}");
    let raised = school.owner.act(&class, "set-role", &[("instructor", &vera), ("role", "owner")]).await;
    assert_eq!(raised.status, StatusCode::OK);
    let Staff { mut teacher, mut viewer, .. } = staff;
    let removed = viewer.act(&class, "remove-staff", &[("instructor", &tom)]).await;
    assert_eq!(removed.status, StatusCode::OK, "the viewer is an owner now");
    assert_eq!(teacher.call("teach-help", &[("class", &class)]).await.status, StatusCode::NOT_FOUND);

    school.owner.invite(&class, "teacher").await;
    let settings: SettingsView = school.owner.call("teach-settings", &[("class", &class)]).await.json();
    let invitation = settings.invitations[0].id.clone();
    let revoked = school.owner.act(&class, "revoke", &[("invitation", &invitation)]).await;
    assert_eq!(revoked.status, StatusCode::OK);
    let again = school.owner.act(&class, "revoke", &[("invitation", &invitation)]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_secrets_of_what_leaves_the_class_are_shown_once_or_never() {
    let mut school = School::open().await;
    let class = school.class.clone();
    let added = school.owner.act(&class, "add-webhook", &[("url", "https://hook.example/"), ("kind-help", "on")]).await;
    assert_eq!(added.status, StatusCode::OK, "{added:?}");
    let shown: serde_json::Value = school.owner.call("teach-shown-once", &[("class", &class)]).await.json();
    let secret = shown["WebhookSecret"]["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 6 + 44, "32 bytes as base64");
    secret_audit::note("webhook secret", &secret);
    let fields = [("endpoint", "https://lrs.example/xapi"), ("key", "key"), ("secret", "water under the bridge")];
    assert_eq!(school.owner.act(&class, "save-xapi", &fields).await.status, StatusCode::OK);
    let page = school.owner.get(&format!("/teach/classes/{class}/settings")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("https://hook.example/") && page.body.contains("https://lrs.example/xapi"));
    let documents: Vec<String> =
        sqlx::query_scalar("SELECT value FROM class_document").fetch_all(school.world.sqlite()).await.unwrap();
    assert_eq!(documents.len(), 2);
    for text in documents.iter().chain([&page.body]) {
        assert!(!text.contains(&secret) && !text.contains("water under the bridge"), "{text}");
    }
    let kept = [("endpoint", "https://other.example/xapi"), ("key", "key"), ("secret", "")];
    assert_eq!(school.owner.act(&class, "save-xapi", &kept).await.status, StatusCode::OK, "the secret stays");
    assert_eq!(school.owner.act(&class, "remove-xapi", &[]).await.status, StatusCode::OK);
    let refused = refusal(&school.owner.act(&class, "save-xapi", &kept).await);
    assert_eq!(refused.1.field(), Some("secret"));
}

#[tokio::test]
async fn a_class_is_archived_and_deleted_with_its_name_typed() {
    let mut school = School::open().await;
    let class = school.class.clone();
    assert_eq!(school.owner.act(&class, "archive", &[]).await.status, StatusCode::OK);
    let refused = refusal(&school.owner.act(&class, "new-join-code", &[]).await);
    assert!(matches!(&refused.1, BackendError::Refused { message } if message.contains("archived")), "{refused:?}");
    assert_eq!(school.owner.act(&class, "restore", &[]).await.status, StatusCode::OK);
    assert_eq!(school.owner.act(&class, "new-join-code", &[]).await.status, StatusCode::OK);
    let refused = refusal(&school.owner.act(&class, "delete", &[("typed", "streams 101")]).await);
    assert_eq!(refused.1.field(), Some("typed"));
    assert_eq!(school.owner.act(&class, "delete", &[("typed", "Streams 101")]).await.status, StatusCode::OK);
    assert_eq!(school.owner.call("teach-help", &[("class", &class)]).await.status, StatusCode::NOT_FOUND);
    let list: ClassesView = school.owner.call("teach-classes", &[]).await.json();
    assert!(list.classes.is_empty());
}

#[tokio::test]
async fn an_export_passes_the_audit() {
    let mut school = School::open().await;
    let lina = school.join("=Lina").await;
    let ole = school.join("").await;
    // More than one page of the log.
    for _ in 0..1100 {
        school.world.store.count_attempt(&ole, "ingest", now()).await.unwrap();
    }
    school.check(&lina, "ingest", "rows", Pass, "").await;
    school.world.store.leave(&school.id(), &lina, now()).await.unwrap();
    let head = school.sealed().await;
    let json = school.owner.get(&format!("/teach/classes/{}/results.json", school.class)).await;
    assert_eq!(json.header("content-disposition"), Some("attachment; filename=\"streams-101-results.json\""));
    let report = classroom::audit(json.body.as_bytes(), None).unwrap();
    assert_eq!((report.head.seq, report.learners, report.class.name.as_str()), (head, 2, "Streams 101"));
    let csv = school.owner.get(&format!("/teach/classes/{}/results.csv", school.class)).await;
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(csv.body.contains(&format!("'=Lina,{lina},left,1,")), "{}", csv.body);
}
