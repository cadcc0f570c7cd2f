//! Lines for a file that may fail or hang, written by a thread of their own.

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// Bytes of a line; what is longer is cut. With the length of the queue, this bounds its memory.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Between two attempts to write to what takes nothing at the moment.
const PAUSE: Duration = Duration::from_millis(20);

/// A bounded queue of lines and the thread that writes them. Nobody who has a line waits or is told of a failure.
pub struct Outlet {
    messages: Sender<Message>,
    losses: Arc<Counts>,
}

enum Message {
    Line(Vec<u8>),
    /// Everything before this is to be written; then whoever waits is told.
    Flush(Sender<()>),
}

/// What an outlet did not write, counted since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Lines that are not, or not whole, where they belong.
    pub lines: u64,
    /// Writes that failed. Each lost a line; other lines are lost because the queue is full.
    pub failed_writes: u64,
}

#[derive(Default)]
struct Counts {
    lines: AtomicU64,
    failed_writes: AtomicU64,
}

impl Counts {
    fn read(&self) -> Losses {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Losses { lines: read(&self.lines), failed_writes: read(&self.failed_writes) }
    }
}

impl Outlet {
    /// Starts the thread, which writes to `sink`. At most `lines_max` lines wait. Unless it hangs, it calls `each_tick` and
    /// says what was lost, no more often than once in a `tick`. Where the system gives no thread, all lines are lost,
    /// and counted.
    pub fn start(
        name: &str,
        lines_max: usize,
        sink: Box<dyn Write + Send>,
        tick: Duration,
        each_tick: fn(),
    ) -> Self {
        let (messages, queue) = bounded(lines_max);
        let losses = Arc::new(Counts::default());
        let mut scribe = Scribe {
            sink,
            losses: Arc::clone(&losses),
            lines_told: 0,
            is_within_line: false,
            last_error: None,
        };
        let run = move || scribe.run(&queue, tick, each_tick);
        // Without the thread nobody has the other end of the queue, and every line is counted as lost.
        let _ = thread::Builder::new().name(name.to_owned()).spawn(run);
        Self { messages, losses }
    }

    /// Has a line written, at some time.
    pub fn line(&self, text: &str) {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(b'\n');
        self.push(bytes);
    }

    fn push(&self, mut bytes: Vec<u8>) {
        if bytes.len() > LINE_BYTES_MAX {
            bytes.truncate(LINE_BYTES_MAX - 1);
            bytes.push(b'\n');
        }
        if self.messages.try_send(Message::Line(bytes)).is_err() {
            self.losses.lines.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until every line before this is written or lost, but no longer than `patience`; whether that is so.
    pub fn flush(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let (done, is_done) = bounded(1);
        self.messages.send_deadline(Message::Flush(done), until).is_ok()
            && is_done.recv_deadline(until).is_ok()
    }

    /// What was not written so far.
    pub fn losses(&self) -> Losses {
        self.losses.read()
    }
}

/// Takes whole lines, each in one call.
impl Write for &Outlet {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Scribe {
    sink: Box<dyn Write + Send>,
    losses: Arc<Counts>,
    /// Of the lost lines, those that the reader was told of.
    lines_told: u64,
    /// The last write failed after a part of a line.
    is_within_line: bool,
    last_error: Option<io::Error>,
}

impl Scribe {
    fn run(&mut self, queue: &Receiver<Message>, tick: Duration, each_tick: fn()) {
        let mut due = Instant::now() + tick;
        loop {
            match queue.recv_deadline(due) {
                Ok(Message::Line(line)) => self.write_line(&line),
                Ok(Message::Flush(done)) => {
                    self.tell_losses();
                    // Whoever asked may have lost patience.
                    let _ = done.try_send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = Instant::now();
            if now >= due {
                due = now + tick;
                each_tick();
                self.tell_losses();
            }
        }
    }

    fn write_line(&mut self, line: &[u8]) {
        if let Err(error) = self.put(line) {
            self.losses.lines.fetch_add(1, Ordering::Relaxed);
            self.failed(error);
        }
    }

    /// Says what was lost since it was last said. Where that cannot be written either, it is said later.
    fn tell_losses(&mut self) {
        let Losses { lines, failed_writes } = self.losses.read();
        if lines == self.lines_told {
            return;
        }
        let mut notice = String::new();
        // A string takes everything.
        let _ = SystemTime.format_time(&mut Writer::new(&mut notice));
        notice += &format!("  WARN {}: lines lost here: {}", module_path!(), lines - self.lines_told);
        notice += &format!(", since the start: {lines}; failed writes: {failed_writes}");
        if let Some(error) = &self.last_error {
            notice += &format!(", the last: {error}");
        }
        notice.push('\n');
        match self.put(notice.as_bytes()) {
            Ok(()) => self.lines_told = lines,
            Err(error) => self.failed(error),
        }
    }

    fn failed(&mut self, error: io::Error) {
        self.losses.failed_writes.fetch_add(1, Ordering::Relaxed);
        self.last_error = Some(error);
    }

    /// Writes a line, on a line of its own.
    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_within_line {
            self.put_bytes(b"\n")?;
        }
        self.put_bytes(line)?;
        self.sink.flush()
    }

    fn put_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.sink.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.is_within_line = bytes[count - 1] != b'\n';
                    bytes = &bytes[count..];
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Somebody else made it non-blocking. To wait here keeps nobody.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
