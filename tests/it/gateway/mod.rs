//! The gateway through real sockets, driven cycle by cycle from the test's own thread: the rings, the durable cursor, the
//! archiver and the clock are the test's.

mod bench;
mod ends;
mod hostile;
mod limits;
mod orders;
mod resume;
mod sessions;
mod text;
mod timing;
