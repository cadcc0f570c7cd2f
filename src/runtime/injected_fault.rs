//! Deliberate bugs, which show that the simulator finds such bugs.
//!
//! They exist only in builds with the feature `injected-faults`, which only tests enable. In all other builds
//! [`is_injected`] is a constant `false`, and the compiler removes them.

/// A bug that can be injected. Each has one place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InjectedFault {
    /// The gateway sends messages that are not durable yet.
    SkipGate = 1,
    /// Some SQL batches are written without their watermark.
    DropWatermark,
    /// The first command after a start reuses the sequence of the last one before it.
    ReuseSequence,
    /// A failed sync of the journal counts as successful.
    IgnoreFailedSync,
    /// A client that resumes gets its stream starting one message too late.
    ResumeOffByOne,
    /// Bytes that a socket cannot take at the moment count as sent.
    LoseUnsent,
    /// The SQL writer skips an event that it cannot read at the moment.
    SkipUnreadable,
    /// Stamps jump when the wall clock is set.
    JumpWithTheClock,
    /// After a start, copies are no longer sent.
    ForgetCopies,
    /// A full table is not reported.
    HideFullTable,
    /// Some messages of market data are sent with other bytes than in the log.
    GarbleMarketData,
    /// A client's message is treated as one of its login's current session, whatever session it was sent in.
    AnySession,
    /// A snapshot of the books claims to include one message more than it does.
    SnapshotAhead,
    /// The hot thread reports its commands as durable before their sync.
    DurableBeforeSync,
    /// After a start, the transfers on their way between shards are not sent again.
    ForgetTransfers,
    /// The merge of several shards does not wait for a shard that can still have an earlier event.
    MergeTooEarly,
    /// A login that sends prices may send those of any index.
    AnyIndex,
    /// The shards after the first one do nothing at a tick.
    MissTicks,
}

impl InjectedFault {
    pub const ALL: [Self; 18] = [
        Self::SkipGate,
        Self::DropWatermark,
        Self::ReuseSequence,
        Self::IgnoreFailedSync,
        Self::ResumeOffByOne,
        Self::LoseUnsent,
        Self::SkipUnreadable,
        Self::JumpWithTheClock,
        Self::ForgetCopies,
        Self::HideFullTable,
        Self::GarbleMarketData,
        Self::AnySession,
        Self::SnapshotAhead,
        Self::DurableBeforeSync,
        Self::ForgetTransfers,
        Self::MergeTooEarly,
        Self::AnyIndex,
        Self::MissTicks,
    ];
}

#[cfg(feature = "injected-faults")]
static INJECTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Injects a fault into this process, replacing the previous one.
#[cfg(feature = "injected-faults")]
pub fn inject(fault: Option<InjectedFault>) {
    INJECTED.store(fault.map_or(0, |fault| fault as u8), std::sync::atomic::Ordering::Relaxed);
}

/// Whether this fault is injected.
#[cfg(feature = "injected-faults")]
pub fn is_injected(fault: InjectedFault) -> bool {
    INJECTED.load(std::sync::atomic::Ordering::Relaxed) == fault as u8
}

/// Whether this fault is injected: never in this build.
#[cfg(not(feature = "injected-faults"))]
#[inline(always)]
pub const fn is_injected(_fault: InjectedFault) -> bool {
    false
}
