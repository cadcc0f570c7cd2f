//! `dojima-tools load`: runs the demo's driver against an engine that is already running.
//!
//! The engine needs the flow's accounts; `load --print-config` prints a configuration with them. A login's order numbers
//! only increase, so every run needs an engine with a new data directory. With another one the run fails before it sends.

use anyhow::Context;
use clap::Args;
use dojima::cli::{print, show};
use dojima::flow::generator::{GeneratorOptions, generate};
use dojima::flow::{Driver, DriverError, DriverOptions, Ordering, Pace, Turn};
use dojima::runtime::thread_time;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Time between two progress lines.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Arguments of `dojima-tools load`.
#[derive(Debug, Args)]
pub(crate) struct LoadArgs {
    /// Where the engine takes orders
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9010")]
    address: SocketAddr,
    /// Messages to send
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000)]
    orders: usize,
    /// Client sessions
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    sessions: u16,
    /// Unanswered messages of one session at most
    #[arg(long, value_name = "COUNT", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    window: u32,
    /// Names the flow: the same seed is the same flow
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,
    /// Print the engine configuration that this flow needs, and stop
    #[arg(long)]
    print_config: bool,
}

/// Plays the flow to its end.
pub(crate) fn run(args: LoadArgs) -> anyhow::Result<()> {
    let options = GeneratorOptions { seed: args.seed, actions: args.orders, sessions: args.sessions };
    let flow = generate(&options);
    if args.print_config {
        let text = flow.venue.config().to_toml().context("cannot write the configuration")?;
        print::stdout().write_all(text.as_bytes())?;
        return Ok(());
    }
    let window = args.window as usize;
    let options = DriverOptions { window, ordering: Ordering::PerSession, pace: Pace::Max };
    let mut driver = Driver::new(&flow, options)?;
    driver.connect_first(args.address).map_err(|error| match error {
        DriverError::Used { .. } => error.into(),
        error => anyhow::Error::new(error).context(format!(
            "no sessions at {}; was the engine started with `load --print-config`'s file?",
            args.address
        )),
    })?;
    let (started, before) = (Instant::now(), thread_time());
    let mut shown = started;
    while driver.turn(Duration::from_millis(100))? == Turn::Working {
        if shown.elapsed() >= PROGRESS_EVERY {
            progress(&driver, args.orders, started);
            shown = Instant::now();
        }
    }
    let elapsed = started.elapsed();
    let client = thread_time().zip(before).map(|(now, before)| now.saturating_sub(before));
    driver.log_out();
    Ok(summary(&driver, elapsed, client)?)
}

/// Updates one progress line; nothing if stderr is not a terminal.
fn progress(driver: &Driver<'_>, orders: usize, started: Instant) {
    let settled = driver.progress().settled;
    if std::io::stderr().is_terminal() {
        let (done, of) = (show::thousands(settled), show::thousands(orders as u64));
        let rate = show::rate(settled, started.elapsed());
        // A write error is ignored.
        let _ = write!(std::io::stderr(), "\r{done} of {of} messages, {rate}  ");
    }
}

/// Prints the results. `client` is the processor time of this thread, if the system provides it.
fn summary(driver: &Driver<'_>, elapsed: Duration, client: Option<Duration>) -> std::io::Result<()> {
    if std::io::stderr().is_terminal() {
        print::note(format_args!(""));
    }
    let (progress, latency) = (driver.progress(), driver.latency());
    let at = |quantile| show::duration(Duration::from_nanos(latency.value_at_quantile(quantile)));
    let rejected: u64 = progress.rejected.values().sum();
    let mut out = print::stdout();
    writeln!(out, "messages   {} in {}", show::thousands(progress.sent), show::duration(elapsed))?;
    writeln!(out, "rate       {} durable", show::rate(progress.sent, elapsed))?;
    writeln!(
        out,
        "answers    {} accepted, {} replaced, {} canceled, {} rejected",
        show::thousands(progress.accepted),
        show::thousands(progress.replaced),
        show::thousands(progress.canceled),
        show::thousands(rejected),
    )?;
    writeln!(out, "trades     {}", show::thousands(progress.executed / 2))?;
    writeln!(out, "order→ack  p50 {} · p99 {} · p99.9 {} · max {}", at(0.5), at(0.99), at(0.999), at(1.0))?;
    match client {
        Some(client) => {
            writeln!(out, "client     {} of processor time a message", show::each(client, progress.sent))
        }
        None => Ok(()),
    }
}
