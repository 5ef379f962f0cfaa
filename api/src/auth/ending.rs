//! What ends tokens before their time: done to its end also when whoever asked hangs up, since a token that was ended in
//! the store must not go on in memory. The streams of its account end with it, and come again with a token that holds.

use kaowei_core::ids::CandidateId;
use kaowei_engine::{Account, Denied, Failure, Password};

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
            app.engine.end_feeds_of(|of| of == candidate);
            Ok(ended?)
        })
        .await
    }

    /// Sets a new password with a code.
    pub(crate) async fn reset_password(
        &self,
        id: String,
        code: String,
        password: Password,
    ) -> Result<(), Denied> {
        let app = self.clone();
        to_the_end(async move {
            let reset = app.engine.reset_password(&id, &code, password).await;
            app.forget_ended(reset.as_ref().ok().copied(), reset.as_ref().err());
            reset.map(|_| ())
        })
        .await
    }

    /// Replaces the own password.
    pub(crate) async fn change_password(
        &self,
        account: Account,
        current: Password,
        new: Password,
    ) -> Result<(), Denied> {
        let app = self.clone();
        to_the_end(async move {
            let changed = app.engine.change_password(account, current, new).await;
            let whose = changed.as_ref().ok().map(|()| account.candidate);
            app.forget_ended(whose, changed.as_ref().err());
            changed
        })
        .await
    }

    /// Forgets the tokens that a new password ended; all where nobody knows whether it was set.
    fn forget_ended(&self, whose: Option<CandidateId>, denied: Option<&Denied>) {
        match (whose, denied) {
            (Some(candidate), _) => {
                self.tokens.forget_all_of(candidate);
                self.engine.end_feeds_of(|of| of == candidate);
            }
            (None, Some(Denied::Failed(Failure::StoreUnavailable | Failure::Internal))) => {
                self.tokens.forget_all();
                self.engine.end_feeds_of(|_| true);
            }
            (None, _) => {}
        }
    }
}

async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Denied>> + Send + 'static,
) -> Result<T, Denied> {
    tokio::spawn(work)
        .await
        .unwrap_or(Err(Denied::Failed(Failure::Internal)))
}
