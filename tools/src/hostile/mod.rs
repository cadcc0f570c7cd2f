//! `dojima-tools hostile`: measures the latency of a well-behaved client, without and with attackers.
//!
//! The engine runs in this process, on its own data directory, with database, market data and snapshots as in the default
//! configuration, and with hashed passwords. The attackers run in a separate process at the lowest priority (nice 19), so
//! that the result shows how the exchange handles them and not how much processor time they use. Everything is on the
//! loopback interface. Rounds without and with attackers alternate, because a machine with other users changes from minute
//! to minute; medians are compared.

mod attackers;
mod forces;
mod good;
mod hostile_client;
mod strangers;
mod venue;

pub(crate) use attackers::{AttackArgs, attack};

use anyhow::Context;
use attackers::Attack;
use clap::Args;
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use dojima::cli::{print, show};
use forces::Forces;
use good::{Good, Times};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;
use venue::{HostileEngine, KNOWN};

/// Start-up time of the attackers, which is not measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// The target ratio: p99 with attackers to p99 without.
const RATIO_MAX: f64 = 2.0;

/// Arguments of `dojima-tools hostile`.
#[derive(Debug, Args)]
pub(crate) struct HostileArgs {
    /// Rounds; each is a phase alone and one beside the attackers
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=50))]
    rounds: u32,
    /// Length of a phase, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Orders of the well-behaved client in a second, one at a time
    #[arg(long, value_name = "COUNT", default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    orders_per_second: u32,
    #[command(flatten)]
    forces: Forces,
}

/// The measurements of one phase.
struct Phase {
    orders: Times,
    logins: Times,
}

/// Runs the measurement and prints a table.
pub(crate) fn run(args: HostileArgs) -> anyhow::Result<()> {
    let engine = HostileEngine::start(args.forces)?;
    let mut out = print::stdout();
    let heading = format!(
        "one order every {}; {} s a phase, {} rounds; beside: a hostile client ({}), {} strangers, {} invented logins a second",
        show::duration(Duration::from_secs(1) / args.orders_per_second),
        args.seconds,
        args.rounds,
        match args.forces.hostile_per_second {
            0 => "as fast as it can".to_owned(),
            rate => format!("{} messages a second at most", show::thousands(rate.into())),
        },
        show::thousands(args.forces.strangers.into()),
        show::thousands(args.forces.logins_per_second.into()),
    );
    writeln!(out, "{}", show::wrapped(&heading, 0))?;
    let mut good = Good::log_in(engine.address(), args.orders_per_second)?;
    // The first use of pages, caches and segments is not measured.
    good.measure(WARM_UP)?;
    let (mut alone, mut beside, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..args.rounds {
        alone.push(phase(&mut good, engine.address(), args.seconds)?);
        let attack = Attack::begin(engine.address(), args.forces, round)?;
        good.measure(WARM_UP)?;
        beside.push(phase(&mut good, engine.address(), args.seconds).context("beside the attackers")?);
        reports.push(attack.end()?);
    }
    let p99 = |phase: &Phase| phase.orders.at(0.99);
    let ratio = median(&beside, p99) / median(&alone, p99);
    let of_rounds: Vec<String> = beside
        .iter()
        .zip(&alone)
        .map(|(beside, alone)| format!("{:.2}", p99(beside) as f64 / p99(alone) as f64))
        .collect();
    writeln!(out, "{}", table(&alone, &beside))?;
    for (report, round) in reports.iter().zip(1..) {
        writeln!(out, "{}", show::wrapped(&format!("attackers of round {round}: {report}"), 0))?;
    }
    let verdict = format!(
        "p99 of an order, medians of {} rounds: beside / alone = {ratio:.2} (target: {RATIO_MAX} at most{}); of each round: {}",
        args.rounds,
        if ratio > RATIO_MAX { "; MISSED" } else { "" },
        of_rounds.join(", "),
    );
    writeln!(out, "{}", show::wrapped(&verdict, 0))?;
    engine.stop()
}

/// One phase: orders on this thread, and at intervals a login of a known user on another thread.
fn phase(good: &mut Good, address: SocketAddr, seconds: u32) -> anyhow::Result<Phase> {
    std::thread::scope(|scope| {
        let logins = scope.spawn(move || good::logins(address, KNOWN, seconds));
        let orders = good.measure(Duration::from_secs(seconds.into()))?;
        let logins = logins.join().map_err(|_| anyhow::anyhow!("the thread of the logins panicked"))??;
        Ok(Phase { orders, logins })
    })
}

/// The median over the rounds, ns.
fn median(phases: &[Phase], of: impl Fn(&Phase) -> u64) -> f64 {
    let mut values: Vec<u64> = phases.iter().map(of).collect();
    values.sort_unstable();
    let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
    (low + high) as f64 / 2.0
}

fn table(alone: &[Phase], beside: &[Phase]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─')));
    table.set_header(["phase", "orders", "p50", "p99", "p99.9", "max", "logins", "p50", "max"]);
    let shown = |ns: u64| show::duration(Duration::from_nanos(ns));
    let row = |name: String, phase: &Phase| {
        let (orders, logins) = (&phase.orders, &phase.logins);
        [
            name,
            show::thousands(orders.count()),
            shown(orders.at(0.5)),
            shown(orders.at(0.99)),
            shown(orders.at(0.999)),
            shown(orders.at(1.0)),
            show::thousands(logins.count()),
            shown(logins.at(0.5)),
            shown(logins.at(1.0)),
        ]
    };
    for (round, (alone, beside)) in alone.iter().zip(beside).enumerate() {
        table.add_row(row(format!("{} alone", round + 1), alone));
        table.add_row(row(format!("{} beside", round + 1), beside));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if at > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
