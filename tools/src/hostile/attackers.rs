//! The attackers' process: how it is started, and what it does.

use super::forces::Forces;
use super::hostile_client::{self, HostileClient};
use super::strangers::{self, Tally};
use anyhow::Context;
use clap::Args;
use dojima::cli::show;
use dojima::runtime::descriptors;
use rustix::process::nice;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The lowest priority of the system.
const NICE: i32 = 19;

/// File descriptors for connections of invented logins, in addition to those of the strangers.
const DESCRIPTORS_BESIDE: u64 = 4_096;

/// Arguments of the process of the attackers, which `hostile` starts.
#[derive(Debug, Args)]
pub(crate) struct AttackArgs {
    /// Where the engine takes orders
    #[arg(long)]
    address: SocketAddr,
    /// Which round it is: the hostile client's numbers go up from one to the next
    #[arg(long)]
    round: u32,
    #[command(flatten)]
    forces: Forces,
}

/// The attackers' counters.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    seconds: f64,
    messages: u64,
    resent: u64,
    hostile_connections: u64,
    stranger_connections: u64,
    logins: u64,
    failed_connections: u64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Duration::from_secs_f64(self.seconds);
        write!(
            f,
            "the hostile client sent {}, received {} and connected {} times; strangers connected {}; invented logins {}; \
             {} connections could not be made",
            show::rate(self.messages, time),
            show::rate(self.resent, time),
            show::thousands(self.hostile_connections),
            show::rate(self.stranger_connections, time),
            show::rate(self.logins, time),
            show::thousands(self.failed_connections),
        )
    }
}

/// The running process of the attackers.
pub(super) struct Attack {
    child: Child,
    /// The attackers stop when this pipe is closed, also if this process dies.
    alive: Option<ChildStdin>,
}

impl Attack {
    pub(super) fn begin(address: SocketAddr, forces: Forces, round: u32) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program has no path")?;
        let mut child = Command::new(program)
            .args(["hostile-attackers", "--address", &address.to_string(), "--round", &round.to_string()])
            .args(["--hostile-per-second", &forces.hostile_per_second.to_string()])
            .args(["--strangers", &forces.strangers.to_string()])
            .args(["--logins-per-second", &forces.logins_per_second.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the attackers do not start")?;
        Ok(Self { alive: child.stdin.take(), child })
    }

    pub(super) fn end(mut self) -> anyhow::Result<Report> {
        drop(self.alive.take());
        let mut said = String::new();
        let mut out = self.child.stdout.take().context("the attackers have no output")?;
        out.read_to_string(&mut said)?;
        let status = self.child.wait()?;
        serde_json::from_str(&said)
            .with_context(|| format!("the attackers ended with {status} and said {said:?}"))
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        drop(self.alive.take());
        // The process has ended, or ends by itself.
        let _ = self.child.wait();
    }
}

/// Attacks until standard input ends, then prints the counters.
pub(crate) fn attack(args: &AttackArgs) -> anyhow::Result<()> {
    nice(NICE).context("no lower priority")?;
    descriptors::provide(u64::from(args.forces.strangers) + DESCRIPTORS_BESIDE)?;
    let started = std::time::Instant::now();
    let over = Arc::new(AtomicBool::new(false));
    let tally = Tally::default();
    let client = {
        let (over, address, forces, round) = (Arc::clone(&over), args.address, args.forces, args.round);
        std::thread::spawn(move || {
            HostileClient::new(address, forces.hostile_per_second, hostile_client::first_number(round))
                .run(&over)
        })
    };
    let others = {
        let (over, address, forces, tally) = (Arc::clone(&over), args.address, args.forces, tally.clone());
        std::thread::spawn(move || strangers::run(address, forces, &tally, &over))
    };
    // Input bytes are ignored; only the end of the input counts.
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    over.store(true, Ordering::Relaxed);
    let done = client.join().map_err(|_| anyhow::anyhow!("the hostile client panicked"))??;
    others.join().map_err(|_| anyhow::anyhow!("the strangers panicked"))??;
    let report = Report {
        seconds: started.elapsed().as_secs_f64(),
        messages: done.sent,
        resent: done.received,
        hostile_connections: done.connections,
        stranger_connections: tally.strangers(),
        logins: tally.logins(),
        failed_connections: tally.failed(),
    };
    let text = serde_json::to_string(&report)?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
