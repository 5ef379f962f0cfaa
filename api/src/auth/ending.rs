//! What ends tokens before their time: done to its end also when whoever asked hangs up, since a token that was ended in
//! the store must not go on in memory. The streams of its account end with it, and come again with a token that holds.

use kaowei_engine::{Denied, Failure, NewPassword};

use super::Session;
use crate::state::App;

impl App {
    /// Logs out of a session.
    pub(crate) async fn end_session(&self, session: Session) -> Result<(), Denied> {
        let app = self.clone();
        to_the_end(async move {
            let Session {
                candidate,
                id,
                ends_at,
                token,
            } = session;
            let ended: Result<(), Failure> = app.engine.end_session(&id, ends_at).await;
            // Perhaps it was ended though nobody heard: it is looked up again then.
            app.tokens.forget(&token);
            app.engine.end_feeds_of(candidate);
            Ok(ended?)
        })
        .await
    }

    /// Sets a new password.
    pub(crate) async fn set_password(&self, new: NewPassword) -> Result<(), Denied> {
        let app = self.clone();
        to_the_end(async move {
            let candidate = new.candidate();
            let set = app.engine.set_password(new).await;
            // Perhaps it was set though nobody heard: they are looked up again then.
            app.tokens.forget_all_of(candidate);
            app.engine.end_feeds_of(candidate);
            set
        })
        .await
    }
}

async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Denied>> + Send + 'static,
) -> Result<T, Denied> {
    tokio::spawn(work)
        .await
        .unwrap_or(Err(Denied::Failed(Failure::Internal)))
}
