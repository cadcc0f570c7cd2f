//! The agents, in flow order. They meet only in rings, cursors and the queues declared here; none imports another.

pub mod resend;
