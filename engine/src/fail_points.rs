//! Named points at which a test can end the process, so that every crash is one that could happen.
//!
//! Only in builds with the feature `fail-points`: `KAOWEI_FAIL_POINT=committed:3` kills the process with SIGKILL at the
//! third time that it comes by that point, `pool_decided:3:panic` panics there. Other builds have nothing here.

/// The points, in the order in which a claim, and then its payment, passes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailPoint {
    /// An account was asked for and is not yet written.
    AccountBeforeWrite,
    /// An account is written and not yet used.
    AccountAfterWrite,
    /// A candidate's request has its turn.
    TurnTaken,
    /// A pool has decided and not yet handed over.
    PoolDecided,
    /// The journal has gathered a batch.
    BatchGathered,
    /// Its transaction is open.
    TransactionBegun,
    /// The fence is passed.
    FencePassed,
    /// The events are written.
    EventsWritten,
    /// The transaction is committed, nobody knows.
    Committed,
    /// Some of the batch is published.
    PublishedInPart,
    /// All of it is published and not yet answered.
    PublishedNotAnswered,
    /// An answer is sent.
    Answered,
    /// A written claim is gone and its oral claim not yet asked to go.
    CascadeNoticed,
    /// The oral claim was asked to go.
    CascadeAsked,
    /// A pool does what is due.
    DueNoticed,
    /// An enrolment is about to be deleted by the system.
    EnrolmentOver,
    /// An order is opened and no pool asked yet.
    OrderOpened,
    /// One of the pools of an order was asked for something.
    OrderPoolAsked,
    /// All pools of an order keep its holds, and that is not recorded yet.
    OrderAttached,
    /// That is recorded, and the provider not asked yet.
    OrderPlaced,
    /// A provider has answered, and that is not recorded yet.
    ProviderAnswered,
    /// Its answer is recorded.
    ProviderHeard,
    /// A notification is verified, and not recorded yet.
    NotificationVerified,
    /// It is recorded, and not acknowledged yet.
    NotificationHeard,
    /// An order is to be closed, and the provider not asked yet.
    OrderClosing,
    /// All pools of an order know that it is paid, and that is not recorded yet.
    OrderPoolsPaid,
    /// That is recorded.
    OrderSettled,
    /// All pools of an order have let its holds go, and that is not recorded yet.
    OrderPoolsReleased,
    /// A pool has taken a paid seat back, and that is not recorded yet.
    RefundSeatBack,
    /// The tables' checkpoint has read a slice.
    CheckpointRead,
    /// The slice is written, not yet committed.
    CheckpointWritten,
    /// The slice is committed.
    CheckpointCommitted,
    /// The webhook has answered, which is not yet written down.
    OutboxSent,
    /// It is written down.
    OutboxDone,
    /// An import has validated its file.
    ImportValidated,
    /// An import has applied a slice.
    ImportSlice,
    /// The person behind a new account of staff is written, the account is not.
    StaffAccountWritten,
    /// The account is written, and not yet answered.
    StaffAccountNotAnswered,
    /// Recovery has read the tables.
    RecoveryTables,
    /// Recovery has read the journal.
    RecoveryJournal,
    /// Recovery is done and not yet ready.
    RecoveryDone,
}

impl FailPoint {
    /// All of them.
    pub const ALL: [Self; 41] = [
        Self::AccountBeforeWrite,
        Self::AccountAfterWrite,
        Self::TurnTaken,
        Self::PoolDecided,
        Self::BatchGathered,
        Self::TransactionBegun,
        Self::FencePassed,
        Self::EventsWritten,
        Self::Committed,
        Self::PublishedInPart,
        Self::PublishedNotAnswered,
        Self::Answered,
        Self::CascadeNoticed,
        Self::CascadeAsked,
        Self::DueNoticed,
        Self::EnrolmentOver,
        Self::OrderOpened,
        Self::OrderPoolAsked,
        Self::OrderAttached,
        Self::OrderPlaced,
        Self::ProviderAnswered,
        Self::ProviderHeard,
        Self::NotificationVerified,
        Self::NotificationHeard,
        Self::OrderClosing,
        Self::OrderPoolsPaid,
        Self::OrderSettled,
        Self::OrderPoolsReleased,
        Self::RefundSeatBack,
        Self::CheckpointRead,
        Self::CheckpointWritten,
        Self::CheckpointCommitted,
        Self::OutboxSent,
        Self::OutboxDone,
        Self::ImportValidated,
        Self::ImportSlice,
        Self::StaffAccountWritten,
        Self::StaffAccountNotAnswered,
        Self::RecoveryTables,
        Self::RecoveryJournal,
        Self::RecoveryDone,
    ];

    /// Its name in `KAOWEI_FAIL_POINT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountBeforeWrite => "account_before_write",
            Self::AccountAfterWrite => "account_after_write",
            Self::TurnTaken => "turn_taken",
            Self::PoolDecided => "pool_decided",
            Self::BatchGathered => "batch_gathered",
            Self::TransactionBegun => "transaction_begun",
            Self::FencePassed => "fence_passed",
            Self::EventsWritten => "events_written",
            Self::Committed => "committed",
            Self::PublishedInPart => "published_in_part",
            Self::PublishedNotAnswered => "published_not_answered",
            Self::Answered => "answered",
            Self::CascadeNoticed => "cascade_noticed",
            Self::CascadeAsked => "cascade_asked",
            Self::DueNoticed => "due_noticed",
            Self::EnrolmentOver => "enrolment_over",
            Self::OrderOpened => "order_opened",
            Self::OrderPoolAsked => "order_pool_asked",
            Self::OrderAttached => "order_attached",
            Self::OrderPlaced => "order_placed",
            Self::ProviderAnswered => "provider_answered",
            Self::ProviderHeard => "provider_heard",
            Self::NotificationVerified => "notification_verified",
            Self::NotificationHeard => "notification_heard",
            Self::OrderClosing => "order_closing",
            Self::OrderPoolsPaid => "order_pools_paid",
            Self::OrderSettled => "order_settled",
            Self::OrderPoolsReleased => "order_pools_released",
            Self::RefundSeatBack => "refund_seat_back",
            Self::CheckpointRead => "checkpoint_read",
            Self::CheckpointWritten => "checkpoint_written",
            Self::CheckpointCommitted => "checkpoint_committed",
            Self::OutboxSent => "outbox_sent",
            Self::OutboxDone => "outbox_done",
            Self::ImportValidated => "import_validated",
            Self::ImportSlice => "import_slice",
            Self::StaffAccountWritten => "staff_account_written",
            Self::StaffAccountNotAnswered => "staff_account_not_answered",
            Self::RecoveryTables => "recovery_tables",
            Self::RecoveryJournal => "recovery_journal",
            Self::RecoveryDone => "recovery_done",
        }
    }
}

/// Comes by a point.
#[cfg(not(feature = "fail-points"))]
#[inline]
pub(crate) fn pass(_point: FailPoint) {}

/// Comes by a point, and dies there if the test said so.
#[cfg(feature = "fail-points")]
pub(crate) fn pass(point: FailPoint) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    struct Armed {
        name: String,
        times: u64,
        panics: bool,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    let armed = ARMED.get_or_init(|| {
        let setting = std::env::var("KAOWEI_FAIL_POINT").ok()?;
        let mut parts = setting.split(':');
        let name = parts.next()?.to_owned();
        let times = parts.next().and_then(|times| times.parse().ok()).unwrap_or(1);
        Some(Armed {
            name,
            times,
            panics: parts.next() == Some("panic"),
        })
    });
    let Some(armed) = armed else { return };
    if armed.name == point.name() && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == armed.times {
        assert!(
            !armed.panics,
            "the fail point {} panics, as it was told to",
            armed.name
        );
        // Nothing of the process may have a chance to tidy up.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).ok();
    }
}
