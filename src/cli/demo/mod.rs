//! `dojima demo`: shows the whole operation of an exchange in some seconds. It starts an engine as a separate process, plays
//! a flow into it over TCP, kills the process in the middle, starts it again and plays the rest of the flow. Then it compares
//! the messages of all clients with the journal and SQL.

mod args;
mod compare;
mod engine;
mod place;
mod play;
mod report;

use crate::flow::expected::{self, NamedTrade};
use crate::flow::generator::{self, GeneratorOptions};
use crate::flow::{Driver, DriverOptions, Flow, Ordering, Turn, keep_to_recording};
use crate::runtime::{ThreadingMode, thread_time};
use anyhow::{Context, bail};
pub use args::DemoArgs;
use compare::Comparison;
use engine::{EngineProcess, Start};
use place::Place;
use play::{Display, Played};
use report::Report;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as AtomicOrdering};
use std::time::{Duration, Instant};

use super::{print, show};

/// Default number of messages of a generated flow.
const GENERATED_ORDERS: usize = 1_000_000;

/// Default number of sessions of a generated flow.
const GENERATED_SESSIONS: u16 = 4;

/// A shell's exit code for a process that Ctrl-C ended.
const EXIT_INTERRUPTED: u8 = 130;

/// Plays the demo.
///
/// # Errors
/// When the flow cannot be read, or the engine cannot be started or does not answer. A failed comparison is not an error
/// but a line of the report and exit code 1.
pub fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    if args.mode == ThreadingMode::Stepped {
        bail!("stepped is for simulations; a demo runs shared or dedicated");
    }
    let interrupted = on_interrupt()?;
    let (flow, expected) = read_flow(&args)?;
    let place = Place::make(&args, &flow)?;
    say(format_args!("{}", report::heading(&flow, &args, &place.data)))?;

    let show = Arc::clone(&interrupted);
    let done =
        Demo { args: &args, flow: &flow, place: &place, interrupted: &interrupted }.run(expected.as_deref());
    match done {
        // The engine is gone by now. Any error is a result of the interrupt, which stopped all processes.
        _ if show.load(AtomicOrdering::Relaxed) => {
            say(format_args!("\ninterrupted; the engine is stopped"))?;
            Ok(ExitCode::from(EXIT_INTERRUPTED))
        }
        Ok(all_well) => Ok(if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        Err(error) => Err(error.context(place.engine_log_tail())),
    }
}

fn read_flow(args: &DemoArgs) -> anyhow::Result<(Flow, Option<Vec<NamedTrade>>)> {
    let Some(path) = &args.flow else {
        let options = GeneratorOptions {
            seed: args.seed,
            actions: args.orders.unwrap_or(GENERATED_ORDERS),
            sessions: args.sessions.unwrap_or(GENERATED_SESSIONS),
        };
        return Ok((generator::generate(&options), None));
    };
    let mut flow = Flow::load(path, args.sessions.unwrap_or(1))?;
    let mut expected = match expected::beside(path) {
        Some(beside) => expected::load(&beside)?,
        None => None,
    };
    // The recorded trades apply only to the whole flow, sent through one session.
    if args.orders.is_some() || args.sessions.is_some_and(|sessions| sessions > 1) {
        expected = None;
    }
    if let Some(expected) = &expected {
        keep_to_recording(&mut flow, expected);
    }
    flow.truncate(args.orders.unwrap_or(usize::MAX));
    Ok((flow, expected))
}

/// One run of the demo.
struct Demo<'a> {
    args: &'a DemoArgs,
    flow: &'a Flow,
    place: &'a Place,
    interrupted: &'a AtomicBool,
}

impl Demo<'_> {
    /// Runs all steps; returns whether every check succeeded.
    fn run(&self, expected: Option<&[NamedTrade]>) -> anyhow::Result<bool> {
        let recorded = self.args.flow.is_some();
        let options = DriverOptions {
            window: self.args.window as usize,
            ordering: if recorded { Ordering::Recorded } else { Ordering::PerSession },
            pace: self.args.speed.0,
        };
        let mut driver = Driver::new(self.flow, options)?;
        let display = Display::new(self.flow.actions.len() as u64);
        let mut played = Played::default();

        let mut engine = self.start(&display)?;
        driver.connect(engine.address)?;
        let mut recovery = None;
        if !self.args.no_kill {
            let half = self.flow.actions.len() as u64 / 2;
            self.play(&mut driver, &engine, &display, &mut played, half)?;
            recovery = Some(self.kill_and_resume(&mut driver, &mut engine, &display, &mut played)?);
        }
        self.play(&mut driver, &engine, &display, &mut played, u64::MAX)?;
        driver.log_out();
        display.finish();

        let stopped = engine.stop()?;
        display.line("stop", &format!("in good order after {}, SQL included", show::duration(stopped)))?;
        display.line("verify", "journal, event log, market data and SQL are compared")?;
        let verified = self.verify()?;
        let comparison = Comparison::of(self.place, self.flow, &driver)?;
        let report = Report {
            flow: self.flow,
            driver: &driver,
            played: &played,
            recovery: recovery.as_ref(),
            verified,
            comparison: &comparison,
            expected,
        };
        say(format_args!("{report}"))?;
        if self.args.data.is_some() {
            say(format_args!("{}", report::further(self.place)))?;
        } else {
            say(format_args!("{}", report::further_if_kept()))?;
        }
        Ok(verified && comparison.all_equal())
    }

    fn start(&self, display: &Display) -> anyhow::Result<EngineProcess> {
        let Start { process, took, .. } = EngineProcess::start(self.place, self.interrupted)?;
        let (pid, address) = (process.pid(), process.address);
        display.line(
            "start",
            &format!("engine process {pid}, listening on {address} after {}", show::duration(took)),
        )?;
        Ok(process)
    }

    /// Plays until this many actions are sent, or to the end.
    fn play(
        &self,
        driver: &mut Driver<'_>,
        engine: &EngineProcess,
        display: &Display,
        played: &mut Played,
        until_sent: u64,
    ) -> anyhow::Result<()> {
        let sent_before = driver.progress().sent;
        display.start_counting(sent_before);
        let (started, before) = (Instant::now(), thread_time().unwrap_or_default());
        loop {
            let turn = driver.turn(Duration::from_millis(50))?;
            display.show(driver, engine);
            if self.interrupted.load(AtomicOrdering::Relaxed) {
                bail!("interrupted");
            }
            if turn == Turn::Finished || driver.progress().sent >= until_sent {
                break;
            }
        }
        let sent = driver.progress().sent - sent_before;
        let client = thread_time().unwrap_or_default().saturating_sub(before);
        let part = Played { sent, time: started.elapsed(), client, ..Played::default() };
        display.line("play", &part.line(driver))?;
        played.add(part);
        Ok(())
    }

    fn kill_and_resume(
        &self,
        driver: &mut Driver<'_>,
        engine: &mut EngineProcess,
        display: &Display,
        played: &mut Played,
    ) -> anyhow::Result<report::Recovery> {
        let pid = engine.pid();
        let in_flight = driver.unsettled();
        engine.kill()?;
        // Messages that the engine released before it died may still be on the way to the clients.
        let drained = Instant::now();
        while drained.elapsed() < Duration::from_secs(5) {
            match driver.turn(Duration::from_millis(10)) {
                Ok(_) => {}
                Err(error) if error.is_disconnect() => break,
                Err(error) => return Err(error.into()),
            }
        }
        driver.disconnect();
        let settled = driver.progress().settled;
        display.line(
            "kill",
            &format!("SIGKILL to process {pid} with {} in flight", show::count(in_flight as u64, "message")),
        )?;

        let start = EngineProcess::start(self.place, self.interrupted)?;
        *engine = start.process;
        display.line(
            "restart",
            &format!("{}; listening after {}", start.recovery, show::duration(start.took)),
        )?;
        let resent_before = driver.progress().resent;
        let sequences = driver.next_sequences();
        driver.connect(engine.address)?;
        let resent = driver.progress().resent - resent_before;
        let resumed = format!(
            "{} went on {}; {} sent again",
            show::count(sequences.len() as u64, "session"),
            report::sequences(&sequences),
            show::count(resent, "message"),
        );
        display.line("resume", &resumed)?;
        played.settled_before_kill = settled;
        Ok(report::Recovery { commands: start.replayed, took: start.took, resent })
    }

    /// Runs `dojima verify` as a user would.
    fn verify(&self) -> anyhow::Result<bool> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = std::process::Command::new(program);
        command
            .arg("verify")
            .arg("--data")
            .arg(&self.place.data)
            .arg("--config")
            .arg(&self.place.config_file);
        Ok(command.status().context("cannot run `dojima verify`")?.success())
    }
}

fn on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&interrupted)).context("cannot handle signals")?;
    }
    Ok(interrupted)
}

fn say(text: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    let mut out = print::stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}
