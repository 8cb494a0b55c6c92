//! `headwater backup` and `headwater restore`

use std::path::Path;
use std::process::Output;

use axum::http::StatusCode;

use crate::client::{Learner, Visitor};
use crate::server::{Folder, headwater};

async fn run(command: &str, folder: &Path, data_dir: &Path) -> Output {
    headwater().args([Path::new(command), folder, Path::new("--data-dir"), data_dir]).output().await.unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn path_style(sdk: &aws_config::SdkConfig) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(aws_sdk_s3::config::Builder::from(sdk).force_path_style(true).build())
}

#[tokio::test]
async fn a_server_in_use_is_copied_and_comes_back_in_another_place() {
    let folder = Folder::new();
    let server = folder.start().await;
    let mut learner = Learner::start(&server.site).await;
    learner.post("/api/recheck", &[("slug", "connect")]).await;
    learner.create_bucket().await;
    let s3 = path_style(&server.sdk(&learner.access_key, &learner.secret));
    let put = |key: String| s3.put_object().bucket(&learner.bucket).key(key).body(b"water".to_vec().into()).send();
    put("kept".to_owned()).await.unwrap();

    // Objects come and go while the copy is made.
    let going_on = tokio::spawn({
        let (s3, bucket) = (s3.clone(), learner.bucket.clone());
        async move {
            for number in 0.. {
                let key = format!("passing-{number}");
                s3.put_object().bucket(&bucket).key(&key).body(vec![0; 100_000].into()).send().await.unwrap();
                s3.delete_object().bucket(&bucket).key(&key).send().await.unwrap();
            }
        }
    });
    let copy = folder.file("copy");
    let copied = run("backup", &copy, &folder.data()).await;
    assert!(copied.status.success(), "{}", err(&copied));
    going_on.abort();
    let again = run("backup", &copy, &folder.data()).await;
    assert!(!again.status.success() && err(&again).contains("name a folder that does not exist"), "{}", err(&again));
    put("made-later".to_owned()).await.unwrap();

    let in_use = run("restore", &copy, &folder.data()).await;
    assert!(!in_use.status.success() && err(&in_use).contains("another server uses"), "{}", err(&in_use));
    server.stop().await;
    let taken = run("restore", &copy, &folder.data()).await;
    assert!(!taken.status.success() && err(&taken).contains("nothing is overwritten"), "{}", err(&taken));

    let other = Folder::new();
    let restored = run("restore", &copy, &other.data()).await;
    assert!(restored.status.success(), "{}", err(&restored));
    let key = |folder: &Folder| std::fs::read(folder.data().join("secret.key")).unwrap();
    assert_eq!(key(&other), key(&folder), "what was encrypted can still be read");
    let server = other.start().await;
    let mut visitor = Visitor::new(&server.site);
    let resumed = visitor.post("/api/resume", &[("code", &learner.resume_code)]).await;
    assert_eq!((resumed.status, resumed.location()), (StatusCode::FOUND, Some("/lab/delivery-stream")));
    let s3 = path_style(&server.sdk(&learner.access_key, &learner.secret));
    let kept = s3.get_object().bucket(&learner.bucket).key("kept").send().await.unwrap();
    assert_eq!(kept.body.collect().await.unwrap().to_vec(), b"water");
    assert!(s3.head_object().bucket(&learner.bucket).key("made-later").send().await.is_err(), "it is of one moment");
}

#[tokio::test]
async fn what_is_no_copy_is_not_restored() {
    let folder = Folder::new();
    let nothing = run("backup", &folder.file("copy"), &folder.data()).await;
    assert!(!nothing.status.success() && err(&nothing).contains("holds no state of Headwater"), "{}", err(&nothing));
    let no_copy = run("restore", &folder.file("site"), &folder.data()).await;
    assert!(!no_copy.status.success() && err(&no_copy).contains("is no whole copy"), "{}", err(&no_copy));
}
