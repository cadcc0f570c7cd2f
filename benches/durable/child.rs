//! Another process of this very program, which plays a role until its input ends.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The first argument of a process that plays a role.
pub const ROLE: &str = "--role";

/// A role ends with its input, which ends when this is dropped or this process ends; one that does not is killed after so long.
const END_MAX: Duration = Duration::from_secs(20);

/// A role that is played.
pub struct Child {
    process: std::process::Child,
    /// `None` once it is to end.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Child {
    pub fn start(role: &[&str]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg(ROLE)
            .args(role)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        Self { process, input, output }
    }

    /// A role that serves, and where.
    pub fn serve(role: &[&str]) -> (Self, SocketAddr) {
        let mut child = Self::start(role);
        let address = child.hear().parse().expect("an address");
        (child, address)
    }

    pub fn serve_in(role: &str, folder: &Path) -> (Self, SocketAddr) {
        Self::serve(&[role, &folder.display().to_string()])
    }

    pub fn ask(&mut self, line: &str) -> String {
        let input = self.input.as_mut().expect("it is not to end");
        writeln!(input, "{line}").expect("the process listens");
        self.hear()
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("UTF-8");
        assert!(line.ends_with('\n'), "the process has ended");
        line.trim_end().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        drop(self.input.take());
        let asked = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && asked.elapsed() < END_MAX {
            std::thread::sleep(Duration::from_millis(5));
        }
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns when the input ends.
pub fn until_input_ends() {
    for line in std::io::stdin().lines() {
        assert!(line.is_ok_and(|line| line.is_empty()), "this role is told nothing");
    }
}

/// Ends this process when its input ends.
pub fn end_with_input() {
    std::thread::spawn(|| {
        until_input_ends();
        std::process::exit(0);
    });
}
