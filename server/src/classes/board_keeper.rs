//! The boards that somebody looks at, each kept in memory once and shared by all who do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use app::error::BackendError;
use store::ClassId;
use tokio::sync::OnceCell;

use super::kept_board::KeptBoard;
use crate::state::{Headwater, store_failed};

/// Boards by class. Cheap to clone.
#[derive(Clone)]
pub struct BoardKeeper(Arc<Parts>);

struct Parts {
    headwater: Headwater,
    boards: Mutex<HashMap<ClassId, Arc<Place>>>,
}

/// Where a board is put once it is made; who comes meanwhile waits for the same one.
type Place = OnceCell<Arc<KeptBoard>>;

impl BoardKeeper {
    pub fn new(headwater: Headwater) -> Self {
        Self(Arc::new(Parts { headwater, boards: Mutex::default() }))
    }

    /// The board of a class, made from its log if it is not kept yet. `NotFound` for a class that is not there.
    pub async fn board(&self, class: &ClassId) -> Result<Arc<KeptBoard>, BackendError> {
        let place = {
            let mut boards = self.0.boards.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(boards.entry(class.clone()).or_default())
        };
        let made = place.get_or_try_init(|| self.make(class, &place)).await;
        if made.is_err() {
            self.0.forget(class, &place);
        }
        made.cloned()
    }

    async fn make(&self, class: &ClassId, place: &Arc<Place>) -> Result<Arc<KeptBoard>, BackendError> {
        let made = KeptBoard::make(&self.0.headwater, class).await.map_err(store_failed)?;
        let (board, work) = made.ok_or(BackendError::NotFound)?;
        // The board's task must not keep alive what it is kept in.
        let (parts, place, class) = (Arc::downgrade(&self.0), Arc::downgrade(place), class.clone());
        tokio::spawn(async move {
            work.await;
            if let (Some(parts), Some(place)) = (Weak::upgrade(&parts), Weak::upgrade(&place)) {
                parts.forget(&class, &place);
            }
        });
        Ok(board)
    }
}

impl Parts {
    /// Forgets a board, unless another has taken its place.
    fn forget(&self, class: &ClassId, place: &Arc<Place>) {
        let mut boards = self.boards.lock().unwrap_or_else(PoisonError::into_inner);
        if boards.get(class).is_some_and(|kept| Arc::ptr_eq(kept, place)) {
            boards.remove(class);
        }
    }
}
