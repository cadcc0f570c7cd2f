//! `dojima-tools journal export`: writes records for other programs.

use super::columns::{columns, row};
use super::entry::Content;
use super::exported::Line;
use super::records::each;
use super::selection::{FilterArgs, Selection};
use super::source::{Progress, Source, SourceArgs};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use dojima::cli::{print, show};
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `dojima-tools journal export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    dojima-tools journal export data --format jsonl -o commands.jsonl\n  \
    dojima-tools journal export data --events --format csv --kind executed -o trades.csv\n  \
    dojima-tools journal export data --events --format csv --kind executed \\\n      \
    --columns sequence,time,symbol,fields.price,fields.quantity\n\n\
    Every number is an integer: quantities in lots, amounts and fees in minor units of their asset (10^-scale), prices of \
    commands in price units (10^-decimals of the instrument), prices of events and marks in ticks, fee rates and bands in \
    parts per million, times in nanoseconds since 1970 UTC. In CSV a column is named by the path of its JSON key, and a \
    record without a value there leaves it empty. A record that has no fields (a tick) has no key for them.")]
pub(super) struct ExportArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// At most so many
    #[arg(long, value_name = "COUNT")]
    count: Option<u64>,
    /// What is written
    #[arg(long, value_enum)]
    format: Format,
    /// Where to; a file that is there is not overwritten. Without it, to stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Of a CSV only these columns, in this order
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    columns: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values with a header (RFC 4180)
    Csv,
    /// One JSON object a line
    Jsonl,
}

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<ExitCode> {
    let source = args.source.open()?;
    let wanted = wanted_columns(args, source.content)?;
    let mut selection = Selection::new(&source, &args.filter)?;
    let progress = match (&args.output, io::stdout().is_terminal()) {
        (None, true) => Progress::hidden(),
        _ => Progress::of(&source)?,
    };
    let out: Box<dyn Write> = match &args.output {
        Some(path) => Box::new(create(path, &source)?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    let mut written = 0;
    let done = match args.format {
        Format::Jsonl => each(&source, &mut selection, args.count, &progress, &mut |selected, selection| {
            serde_json::to_writer(&mut out, &Line::of(selected, selection)).map_err(io::Error::from)?;
            written += 1;
            Ok(out.write_all(b"\n")?)
        }),
        Format::Csv => {
            let mut csv = csv::Writer::from_writer(&mut out);
            csv.write_record(&wanted)?;
            let done = each(&source, &mut selection, args.count, &progress, &mut |selected, selection| {
                written += 1;
                Ok(csv.write_record(row(&Line::of(selected, selection), &selected.entry, &wanted))?)
            });
            csv.flush()?;
            done
        }
    };
    progress.finish();
    // Readable records are written even if later ones are damaged.
    out.flush()?;
    if let Some(path) = &args.output {
        print::note(format_args!("{} written to {}", show::count(written, "record"), path.display()));
    }
    done?;
    Ok(ExitCode::SUCCESS)
}

/// Creates a new file; refuses the directory that is being read.
fn create(path: &Path, source: &Source) -> anyhow::Result<File> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let real = |path: &Path| path.canonicalize().ok();
    if real(parent).is_some() && real(parent) == real(source.dir()) {
        bail!("{} lies in the journal that is read; nothing is ever written there", path.display());
    }
    File::create_new(path).with_context(|| format!("cannot create {}", path.display()))
}

fn wanted_columns(args: &ExportArgs, content: Content) -> anyhow::Result<Vec<&'static str>> {
    if args.columns.is_empty() {
        return Ok(columns(content));
    }
    if args.format != Format::Csv {
        bail!("--columns is for --format csv; a JSON line always has all fields");
    }
    let all = columns(content);
    let find = |wanted: &String| {
        let found = all.iter().find(|column| *column == wanted).copied();
        found.with_context(|| format!("no column {wanted:?}; there are {}", all.join(", ")))
    };
    args.columns.iter().map(find).collect()
}
