//! Injected faults: bugs that are put in on purpose, to show that the simulator finds such bugs.
//!
//! They are there only in builds with the feature `injected-faults`, which nothing but a test turns on; in all others
//! [`is_injected`] is a constant `false`, and nothing of them is left.

/// A bug that can be injected, each at one place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InjectedFault {
    /// The gateway sends what is not durable yet.
    SkipGate = 1,
    /// Some batches of SQL are written without their watermark.
    DropWatermark,
    /// The first command after a start gets the sequence of the last one before it.
    ReuseSequence,
    /// A failed sync of the journal counts as done.
    IgnoreFailedSync,
    /// A client that resumes gets its stream from one message further on.
    ResumeOffByOne,
    /// What a socket does not take for the moment counts as sent.
    LoseUnsent,
    /// An event that the SQL writer cannot read for the moment is passed over.
    SkipUnreadable,
    /// Stamps jump when the wall clock is set.
    JumpWithTheClock,
    /// After a start, nobody is sent copies any more.
    ForgetCopies,
    /// Nobody is told that a table is full.
    HideFullTable,
    /// Some messages of market data are sent otherwise than they are in the log.
    GarbleMarketData,
    /// A client's message is taken for one of its login's present session, whatever session it was sent in.
    AnySession,
    /// A snapshot of the books says that it has a message more than it has.
    SnapshotAhead,
    /// The hot thread says that its commands are durable, and leaves their sync for later.
    DurableBeforeSync,
}

impl InjectedFault {
    pub const ALL: [Self; 14] = [
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
    ];
}

#[cfg(feature = "injected-faults")]
static INJECTED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Injects a fault into this process, in place of the one before.
#[cfg(feature = "injected-faults")]
pub fn inject(fault: Option<InjectedFault>) {
    INJECTED.store(fault.map_or(0, |fault| fault as u8), std::sync::atomic::Ordering::Relaxed);
}

/// Whether this fault is injected.
#[cfg(feature = "injected-faults")]
pub fn is_injected(fault: InjectedFault) -> bool {
    INJECTED.load(std::sync::atomic::Ordering::Relaxed) == fault as u8
}

/// Whether this fault is injected: never, in this build.
#[cfg(not(feature = "injected-faults"))]
#[inline(always)]
pub const fn is_injected(_fault: InjectedFault) -> bool {
    false
}
