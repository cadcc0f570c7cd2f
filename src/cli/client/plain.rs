//! The line mode: reads lines and writes lines.

use super::desk::{Desk, Said};
use super::words::{self, HELP};
use crate::cli::{print, show};
use comfy_table::ContentArrangement;
use crossbeam_channel::{Receiver, TryRecvError, bounded};
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

/// How long a turn waits for the server; also the longest delay of an input line.
const TURN: Duration = Duration::from_millis(20);

/// After the last input line, the program ends when no message has arrived for this long.
const QUIET: Duration = Duration::from_millis(500);

/// An input line without a connection waits this long for one; then the answer is that there is none.
const RECONNECT_MAX: Duration = Duration::from_secs(30);

/// Columns of the table of orders.
pub const ORDER_COLUMNS: [&str; 8] =
    ["#", "side", "symbol", "price", "open", "traded", "average", "standing"];
/// Columns of the table of trades.
pub const FILL_COLUMNS: [&str; 7] = ["time", "#", "side", "quantity", "symbol", "price", "how"];

/// Runs until the input ends or asks to quit. Returns whether there was a connection at the end.
///
/// # Errors
/// When the output cannot be written.
pub fn run(mut desk: Desk) -> anyhow::Result<bool> {
    let lines = read_lines();
    let mut out = print::stdout();
    let (mut open, mut heard, mut up) = (true, Instant::now(), Instant::now());
    while open || heard.elapsed() < QUIET {
        if desk.turn(TURN) {
            heard = Instant::now();
        }
        for line in desk.news() {
            writeln!(out, "{line}")?;
        }
        // A line waits while the connection is being made again.
        let since_up = up.elapsed();
        if desk.is_connected() {
            up = Instant::now();
        } else if desk.is_connecting() && since_up < RECONNECT_MAX {
            heard = Instant::now();
            out.flush()?;
            continue;
        }
        match lines.try_recv() {
            Ok(line) => {
                heard = Instant::now();
                if answer(&mut desk, &line, &mut out)? == Said::Quit {
                    break;
                }
            }
            Err(TryRecvError::Disconnected) => open = false,
            Err(TryRecvError::Empty) => {}
        }
        out.flush()?;
    }
    let is_connected = desk.is_connected();
    desk.leave();
    Ok(is_connected)
}

fn read_lines() -> Receiver<String> {
    let (lines_in, lines) = bounded(64);
    // The thread waits for input, which cannot be interrupted; it ends with the process.
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines_in.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

fn answer(desk: &mut Desk, line: &str, out: &mut impl Write) -> anyhow::Result<Said> {
    let said = words::read(line).map_err(anyhow::Error::from).and_then(|line| desk.say(&line));
    match said {
        Ok(Said::Help) => writeln!(out, "{HELP}")?,
        Ok(Said::Orders) => {
            let rows = desk.blotter().orders().map(|order| desk.order_row(order).to_vec());
            write_table(out, &ORDER_COLUMNS, rows)?;
        }
        Ok(Said::Fills) => {
            let rows = desk.fill_rows(usize::MAX).into_iter().rev().map(|row| row.to_vec());
            write_table(out, &FILL_COLUMNS, rows)?;
        }
        Ok(said) => return Ok(said),
        Err(error) => writeln!(out, "not done: {error:#}")?,
    }
    Ok(Said::Done)
}

fn write_table(
    out: &mut impl Write,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> std::io::Result<()> {
    let mut table = show::table(columns);
    // One line per row, for scripts.
    table.set_content_arrangement(ContentArrangement::Disabled).add_rows(rows);
    writeln!(out, "{}", table.trim_fmt())
}
