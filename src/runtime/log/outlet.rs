//! Writes lines to a file that may fail or hang, on a separate thread.

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

/// The longest line in bytes; longer lines are cut. With the length of the queue, this bounds the memory.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// The pause between two attempts to write to a file that accepts nothing at the moment.
const PAUSE: Duration = Duration::from_millis(20);

/// A bounded queue of lines and the thread that writes them. Callers never wait and get no errors.
pub struct Outlet {
    messages: Sender<Message>,
    losses: Arc<Counts>,
}

enum Message {
    Line(Vec<u8>),
    /// Sent back when all earlier lines are written.
    Flush(Sender<()>),
}

/// Counts of what an outlet failed to write since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Lines that were not written, or not completely.
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
    /// Starts the thread, which writes to `sink`. At most `lines_max` lines wait. At most once per `tick`, and unless a
    /// write hangs, it calls `each_tick` and reports losses. If the system provides no thread, all lines are lost and
    /// counted.
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
        // Without the thread the queue has no receiver, and every line is counted as lost.
        let _ = thread::Builder::new().name(name.to_owned()).spawn(run);
        Self { messages, losses }
    }

    /// Queues a line for writing.
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

    /// Waits until every earlier line is written or lost, but no longer than `patience`; returns whether they are.
    pub fn flush(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let (done, is_done) = bounded(1);
        self.messages.send_deadline(Message::Flush(done), until).is_ok()
            && is_done.recv_deadline(until).is_ok()
    }

    /// The losses so far.
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
    /// The lost lines that were already reported in the log.
    lines_told: u64,
    /// The last write failed after part of a line.
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
                    // The caller may have stopped waiting.
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

    /// Writes a line about new losses. If that fails, it is repeated later.
    fn tell_losses(&mut self) {
        let Losses { lines, failed_writes } = self.losses.read();
        if lines == self.lines_told {
            return;
        }
        let mut notice = String::new();
        // Writing to a string cannot fail.
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

    /// Writes a line, starting on a new line after a partial write.
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
                // The file was made non-blocking elsewhere. Only this thread waits here.
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
