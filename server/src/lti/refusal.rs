//! Why a login or a launch comes to nothing, in the words of who opened the lab from a course.

use app::course_page::CoursePage;
use app::error::BackendError;
use axum::http::StatusCode;
use lti::{LaunchError, LoginError, SigningError, StateError};
use thiserror::Error;

#[derive(Debug, Error)]
pub(super) enum LtiRefusal {
    #[error(transparent)]
    Login(#[from] LoginError),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("the form is not text")]
    NotText,
    #[error("this server is not reached by https://; whoever runs it has to set --public-url, or --secure-cookie")]
    NotHttps,
    #[error(
        "this link may lead into several classes; a teacher has to add it to the course again, by choosing content, and \
         choose the class"
    )]
    SeveralClasses,
    #[error("the class of this link is not open to this course any more; a teacher has to choose anew")]
    NoSuchClass,
    #[error("the course knows you neither as a learner nor as a teacher")]
    NoRole,
    #[error("only those who teach in the course choose content for it")]
    MayNotChoose,
    #[error("the course takes no links from here")]
    TakesNoLinks,
    #[error("{0}")]
    Backend(#[from] BackendError),
}

impl LtiRefusal {
    pub(super) fn page(&self) -> CoursePage {
        let mut message = self.to_string();
        if let Some(first) = message.get(..1) {
            message.replace_range(..1, &first.to_uppercase());
        }
        if !message.ends_with('.') {
            message.push('.');
        }
        CoursePage::Told { message }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Backend(error) => crate::refusal::status(error),
            Self::Login(LoginError::Signing(_)) | Self::Signing(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Launch(LaunchError::Keys(_)) => StatusCode::BAD_GATEWAY,
            Self::Launch(LaunchError::Form(_)) | Self::Login(LoginError::Form(_)) | Self::NotText => {
                StatusCode::BAD_REQUEST
            }
            _ => StatusCode::FORBIDDEN,
        }
    }
}
