//! How a server ends, and what clients that dawdle can do to it.

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::Learner;
use crate::server::{Folder, Server};

async fn begin(server: &Server, bytes: &str) -> TcpStream {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    stream
}

async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that was cut off may end with an error; what came before counts.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A form of which the end is missing, and which the server has begun to read.
async fn half_a_form(server: &Server) -> TcpStream {
    let head = "POST /api/resume HTTP/1.1\r\nHost: here\r\nAccept: application/json\r\nExpect: 100-continue\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 24\r\n\r\n";
    let mut stream = begin(server, head).await;
    let mut told = [0; 25];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

#[tokio::test]
async fn live_streams_end_and_requests_under_way_are_answered() {
    let folder = Folder::new();
    let server = folder.start().await;
    let mut learner = Learner::start(&server.site).await;
    let mut live = learner.open("/live/connect").await.into_body();
    live.frame().await.unwrap().unwrap();
    let mut under_way = half_a_form(&server).await;
    server.ask_to_stop().await;
    while live.frame().await.is_some() {}
    under_way.write_all(b"code=K7QM-2XRD-9HTV-W4BC").await.unwrap();
    let answer = rest(&mut under_way).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    server.ended().await;
    assert_eq!(folder.log(), "");
}

#[tokio::test]
async fn what_takes_longer_than_the_grace_is_cut_off() {
    let folder = Folder::new();
    let server = folder.start_with(|command| _ = command.args(["--shutdown-grace", "0"])).await;
    let mut under_way = half_a_form(&server).await;
    server.ask_to_stop().await;
    server.ended().await;
    assert_eq!(rest(&mut under_way).await, "");
    assert!(folder.log().contains("are cut off"), "{}", folder.log());
}

#[tokio::test]
async fn dawdlers_that_hold_every_connection_do_not_stop_the_lab() {
    let folder = Folder::new();
    let server = folder
        .start_with(|command| {
            command.args(["--max-connections", "4", "--head-timeout", "1"]);
        })
        .await;
    let mut dawdlers = Vec::new();
    for _ in 0..4 {
        dawdlers.push(begin(&server, "GET / HTTP/1.1\r\nHost: he").await);
    }
    Learner::start(&server.site).await;
    for dawdler in &mut dawdlers {
        rest(dawdler).await;
    }
}
