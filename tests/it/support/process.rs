//! An engine in a process of its own, so that it can be killed as the kernel kills.

use dojima::config::Config;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running `dojima serve`; killed when dropped.
pub struct EngineProcess {
    child: Child,
    /// Where clients connect.
    pub address: SocketAddr,
}

impl EngineProcess {
    /// Starts an engine on a free port and waits until it listens. The configuration is put beside its data.
    pub fn start(config: &Config, data: &Path) -> Self {
        let file = data.join("engine.toml");
        std::fs::write(&file, config.to_toml().expect("a configuration")).expect("written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_dojima"))
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args([Path::new("--config"), &file, Path::new("--data"), data])
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("is piped")).lines();
        let address = lines
            .find_map(|line| {
                line.expect("UTF-8").strip_prefix("order entry listening on ")?.trim().parse().ok()
            })
            .expect("the engine says where it listens");
        // Whatever it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    /// Whether it has not ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM: an orderly stop.
    pub fn terminate(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs").success());
        assert!(self.child.wait().expect("it ends").success(), "an orderly stop ends well");
    }
}

impl Drop for EngineProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
