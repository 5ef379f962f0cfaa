//! Ctrl-C and SIGTERM: the first one asks for an orderly end, the second one for a quick one.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often the user has asked for the end.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Begins to listen.
    pub fn listen() -> std::io::Result<Self> {
        let (sender, receiver) = watch::channel(0);
        let mut interrupts = signal(SignalKind::interrupt())?;
        let mut terminations = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = interrupts.recv() => {}
                    _ = terminations.recv() => {}
                }
                sender.send_modify(|count| *count += 1);
            }
        });
        Ok(Self(receiver))
    }

    /// One that never comes, for tests.
    pub fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// Whether it has come.
    pub fn has_come(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until it comes for the nth time.
    pub async fn nth(&self, nth: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|&count| count >= nth).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
