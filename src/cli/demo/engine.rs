//! Starts, observes, kills and stops the engine as a separate process.

use super::place::Place;
use anyhow::{Context, bail};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The beginning of the line in which `serve` prints the address for clients.
const LISTENING: &str = "order entry listening on ";

/// The longest time for a start, which may have to replay a long journal.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// The longest time for a stop, which waits for SQL.
const STOP_TIMEOUT: Duration = Duration::from_secs(180);

/// A running engine. Dropping this value kills the process.
pub(super) struct EngineProcess {
    child: Child,
    /// The address for clients.
    pub(super) address: SocketAddr,
    /// The engine's newest status line.
    status: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

/// An engine that has started.
pub(super) struct Start {
    pub(super) process: EngineProcess,
    /// Time from starting the process until clients can connect.
    pub(super) took: Duration,
    /// The engine's own description of its recovery.
    pub(super) recovery: String,
    /// Number of replayed commands.
    pub(super) replayed: u64,
}

impl EngineProcess {
    pub(super) fn start(place: &Place, interrupted: &AtomicBool) -> anyhow::Result<Start> {
        let started = Instant::now();
        let mut child = spawn(place)?;
        let stdout = child.stdout.take().context("the engine's output is not there")?;
        let status = Arc::new(Mutex::new(String::new()));
        let (lines, heard) = channel();
        let newest = Arc::clone(&status);
        // Reads to the end of the output in any case, so that the engine never waits for a full pipe.
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Ok(mut newest) = newest.lock() {
                    newest.clone_from(&line);
                }
                let _ = lines.send(line);
            }
        });
        let address = "0.0.0.0:0".parse()?;
        let mut process = Self { child, address, status, listener: Some(listener) };
        let said = process.await_listening(&heard, interrupted)?;
        let took = started.elapsed();
        let journal = format!("journal: {}, ", place.data.join("journal").display());
        let recovery =
            said.iter().find_map(|line| line.strip_prefix(&journal)).unwrap_or("started").to_owned();
        let replayed = replayed(&recovery);
        Ok(Start { process, took, recovery, replayed })
    }

    fn await_listening(
        &mut self,
        heard: &Receiver<String>,
        interrupted: &AtomicBool,
    ) -> anyhow::Result<Vec<String>> {
        let deadline = Instant::now() + START_TIMEOUT;
        let mut said = Vec::new();
        loop {
            match heard.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    if let Some(address) = line.strip_prefix(LISTENING) {
                        self.address = address.parse().with_context(|| format!("no address: {address:?}"))?;
                        return Ok(said);
                    }
                    said.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.child.wait()?;
                    bail!("the engine ended before it listened ({status})");
                }
                Err(RecvTimeoutError::Timeout) if interrupted.load(Ordering::Relaxed) => bail!("interrupted"),
                Err(RecvTimeoutError::Timeout) if Instant::now() > deadline => {
                    bail!("the engine does not start")
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The size of the journal and the lag of SQL, at most a second old; empty before the first status line.
    pub(super) fn backlog(&self) -> String {
        backlog(&self.status.lock().map(|line| line.clone()).unwrap_or_default())
    }

    /// Ends the process at once, as a crash would (SIGKILL).
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill().context("cannot kill the engine")?;
        self.child.wait()?;
        self.hear_out();
        Ok(())
    }

    /// Asks the process to stop and waits until it has; returns the time that it took.
    pub(super) fn stop(mut self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        // The standard library can only send SIGKILL; `kill` in a shell can send SIGTERM.
        let ask = format!("kill -TERM {}", self.pid());
        let asked = Command::new("sh").args(["-c", &ask]).status().context("cannot run sh")?;
        if !asked.success() {
            bail!("cannot ask the engine to stop");
        }
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.hear_out();
                if status.success() {
                    return Ok(started.elapsed());
                }
                bail!("the engine ended with {status}");
            }
            if started.elapsed() > STOP_TIMEOUT {
                bail!("the engine does not stop");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn hear_out(&mut self) {
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        // This fails if the process has already ended; the error can be ignored.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(place: &Place) -> anyhow::Result<Child> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let log = OpenOptions::new().create(true).append(true).open(place.engine_log())?;
    let mut command = Command::new(program);
    command.arg("serve").arg("--config").arg(&place.config_file).arg("--data").arg(&place.data);
    command.args(["--status", "1"]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.env("RUST_LOG", "warn");
    command.spawn().context("cannot start the engine")
}

/// The number in `replayed 1,234 commands`.
fn replayed(recovery: &str) -> u64 {
    let after = recovery.split("replayed ").nth(1).unwrap_or_default();
    let number = after.split(' ').next().unwrap_or_default();
    number.replace(',', "").parse().unwrap_or(0)
}

/// The size of the journal and the lag of SQL from a status line of the engine, shortened.
fn backlog(status: &str) -> String {
    let parts = status.split(", ").filter_map(|part| match part.strip_suffix(" journaled") {
        Some(size) => Some(format!("journal {size}")),
        None => part.starts_with("SQL").then(|| part.replace(" events", "").replace(" event", "")),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backlog_is_read_from_a_status_line() {
        let line =
            "5 connections, 81,690/s messages, 10/s trades, 1.50 MiB journaled, SQL 1,234 events behind";
        assert_eq!(backlog(line), "journal 1.50 MiB, SQL 1,234 behind");
        assert_eq!(
            backlog(&format!("{line}, 3 lines of the log lost")),
            "journal 1.50 MiB, SQL 1,234 behind"
        );
        assert_eq!(backlog(""), "");
    }
}
