//! Classes as their staff work with them: the instructors' pages, the live board, the exports.

mod access;
mod board_keeper;
mod board_state;
pub mod carriage;
mod class_views;
mod commands;
mod events;
mod export;
mod help_view;
mod kept_board;
mod learner_view;
pub mod outside;
mod results_view;
mod rows;
mod settings_view;
mod syllabus;
mod teaching;
mod timeline;
mod told;

use std::sync::Arc;

use app::error::BackendError;
use axum::http::{HeaderMap, header};
use deliveries::Sender;
use store::ClassId;
use tokio::sync::Semaphore;

use self::board_keeper::BoardKeeper;
use self::kept_board::KeptBoard;
use crate::lti::LtiTool;
use crate::master_key::MasterKey;
use crate::state::{Headwater, store_failed};

pub use self::board_state::state_of;
pub use self::events::events;
pub use self::export::{results_csv, results_json};
pub use self::teaching::RequestTeaching;

/// Exports written at once.
const EXPORTS: usize = 4;

/// All classes of this installation. Cheap to clone.
#[derive(Clone)]
pub struct Classes(Arc<Parts>);

struct Parts {
    headwater: Headwater,
    boards: BoardKeeper,
    master_key: MasterKey,
    /// Where browsers reach the pages, without a slash at its end.
    public_url: Option<String>,
    sender: Sender,
    lti: LtiTool,
    exports: Arc<Semaphore>,
}

impl Classes {
    /// `sender` sends to addresses that instructors choose.
    pub fn new(headwater: Headwater, master_key: MasterKey, public_url: Option<&str>, sender: Sender) -> Self {
        let lti = LtiTool::new(headwater.store().clone(), master_key.clone(), sender.reach());
        let boards = BoardKeeper::new(headwater.clone());
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        let exports = Arc::new(Semaphore::new(EXPORTS));
        Self(Arc::new(Parts { headwater, boards, master_key, public_url, sender, lti, exports }))
    }

    pub fn headwater(&self) -> &Headwater {
        &self.0.headwater
    }

    pub fn master_key(&self) -> &MasterKey {
        &self.0.master_key
    }

    /// Where browsers reach the pages, without a slash at its end: as whoever runs the server has told, else where the browser
    /// of this request has them from. `is_secure`: by HTTPS.
    pub fn site(&self, headers: &HeaderMap, is_secure: bool) -> String {
        if let Some(url) = &self.0.public_url {
            return url.clone();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let scheme = if is_secure { "https" } else { "http" };
        format!("{scheme}://{}", host.unwrap_or("localhost"))
    }

    /// Sends to addresses that instructors have chosen.
    pub fn sender(&self) -> &Sender {
        &self.0.sender
    }

    /// What this server is to learning platforms.
    pub fn lti(&self) -> &LtiTool {
        &self.0.lti
    }

    /// The board of a class as its log is now.
    async fn board(&self, class: &ClassId) -> Result<Arc<KeptBoard>, BackendError> {
        let board = self.0.boards.board(class).await?;
        board.refresh().await;
        Ok(board)
    }

    /// Seals what was just written, so that the page that follows shows it.
    async fn seal(&self) -> Result<(), BackendError> {
        while self.headwater().store().seal().await.map_err(store_failed)? > 0 {}
        Ok(())
    }
}
