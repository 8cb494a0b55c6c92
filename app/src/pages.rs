//! One file a page.

mod join;
mod landing;
mod missing;
mod problem;
mod results;
mod step;
pub mod teach;

pub use join::{EnterCode, Join};
pub use landing::Landing;
pub use missing::Missing;
pub use results::Results;
pub use step::StepPage;
