//! Another process of this very program, which plays a role until its input ends.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

/// The first argument of a process that plays a role.
pub const ROLE: &str = "--role";

/// Killed when it is dropped.
pub struct Child {
    process: std::process::Child,
    input: ChildStdin,
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
        let input = process.stdin.take().expect("piped");
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
        writeln!(self.input, "{line}").expect("the process listens");
        self.hear()
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("UTF-8");
        assert!(line.ends_with('\n'), "the process has ended");
        line.trim_end().to_owned()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ends this process when its input ends.
pub fn end_with_input() {
    std::thread::spawn(|| {
        for line in std::io::stdin().lines() {
            assert!(line.is_ok_and(|line| line.is_empty()), "this role is told nothing");
        }
        std::process::exit(0);
    });
}
