//! The screen: open orders, last trades, events, and an input line. It fits a terminal of 80 x 24.

use super::desk::{Desk, Said};
use super::line::LineEditor;
use super::plain::{FILL_COLUMNS, ORDER_COLUMNS};
use super::words::{self, HELP};
use crate::client::blotter::Standing;
use crate::domain::Side;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear, Paragraph, Row, Table};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a turn waits for a key; also the longest delay of messages from the server.
const TURN: Duration = Duration::from_millis(30);

/// Number of event lines that are kept.
const NEWS_MAX: usize = 500;

/// Index in [`ORDER_COLUMNS`] of the column that a narrow screen leaves out: the average price.
const LEFT_OUT: usize = 6;

/// A screen with at least this many columns shows all columns of orders.
const WIDE: u16 = 100;

/// The state of the screen apart from the order and trade lists.
#[derive(Debug, Default)]
struct Screen {
    title: String,
    news: VecDeque<String>,
    /// Number of lines by which the events are scrolled back.
    news_back: usize,
    line: LineEditor,
    /// The first visible line of the help; `None` if the help is not shown.
    help: Option<usize>,
    /// Whether all orders are shown, or only open ones.
    all_orders: bool,
    /// Number of lines of the help and of the events that fit.
    room: (usize, usize),
}

/// Runs until the user quits.
///
/// # Errors
/// When the terminal fails.
pub fn run(mut desk: Desk, title: &str) -> anyhow::Result<()> {
    let mut terminal = ratatui::init();
    let mut screen = Screen { title: title.to_owned(), ..Screen::default() };
    screen.note("type help; Tab: all orders or the open ones; PgUp, PgDn: scroll; Ctrl-C: leave");
    let ended = loop {
        desk.turn(Duration::ZERO);
        desk.news().iter().for_each(|line| screen.note(line));
        if let Err(error) = terminal.draw(|frame| screen.draw(frame, &desk)) {
            break Err(error.into());
        }
        match key() {
            Ok(Some(key)) => {
                if screen.press(key, &mut desk) == Said::Quit {
                    break Ok(());
                }
            }
            Ok(None) => {}
            Err(error) => break Err(error.into()),
        }
    };
    ratatui::restore();
    desk.leave();
    ended
}

fn key() -> std::io::Result<Option<KeyEvent>> {
    if !event::poll(TURN)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) if key.kind == KeyEventKind::Press => Some(key),
        _ => None,
    })
}

impl Screen {
    fn note(&mut self, line: &str) {
        if self.news.len() == NEWS_MAX {
            self.news.pop_front();
        }
        self.news.push_back(line.to_owned());
        self.news_back = 0;
    }

    fn press(&mut self, key: KeyEvent, desk: &mut Desk) -> Said {
        match key.code {
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => return Said::Quit,
            _ if self.help.is_some() => self.scroll_help(key.code),
            KeyCode::Tab => self.all_orders = !self.all_orders,
            KeyCode::PageUp => self.news_back += self.room.1.max(1),
            KeyCode::PageDown => self.news_back = self.news_back.saturating_sub(self.room.1.max(1)),
            KeyCode::Enter => return self.enter(desk),
            _ => {
                self.line.press(key);
            }
        }
        Said::Done
    }

    fn scroll_help(&mut self, key: KeyCode) {
        let Some(top) = self.help else { return };
        let page = self.room.0.max(1);
        let last = HELP.lines().count().saturating_sub(page);
        self.help = match key {
            KeyCode::Up => Some(top.saturating_sub(1)),
            KeyCode::Down => Some((top + 1).min(last)),
            KeyCode::PageUp => Some(top.saturating_sub(page)),
            KeyCode::PageDown | KeyCode::Char(' ') => Some((top + page).min(last)),
            KeyCode::Home => Some(0),
            KeyCode::End => Some(last),
            _ => None,
        };
    }

    fn enter(&mut self, desk: &mut Desk) -> Said {
        let line = self.line.take();
        if line.trim().is_empty() {
            return Said::Done;
        }
        self.note(&format!("> {line}"));
        match words::read(&line).map_err(anyhow::Error::from).and_then(|line| desk.say(&line)) {
            Ok(Said::Help) => self.help = Some(0),
            Ok(Said::Orders) => self.all_orders = !self.all_orders,
            Ok(Said::Fills | Said::Done) => {}
            Ok(Said::Quit) => return Said::Quit,
            Err(error) => self.note(&format!("not done: {error:#}")),
        }
        Said::Done
    }

    fn draw(&mut self, frame: &mut Frame<'_>, desk: &Desk) {
        let rows = Layout::vertical([
            Constraint::Percentage(38),
            Constraint::Percentage(25),
            Constraint::Fill(1),
            Constraint::Length(3),
        ]);
        let [orders, fills, news, line] = rows.areas(frame.area());
        self.draw_orders(frame, orders, desk);
        draw_fills(frame, fills, desk);
        self.draw_news(frame, news);
        self.draw_line(frame, line);
        let all = Rect { height: frame.area().height - line.height, ..frame.area() };
        self.draw_help(frame, all);
    }

    fn draw_news(&mut self, frame: &mut Frame<'_>, area: Rect) {
        let (width, room) = (inside(area.width), inside(area.height));
        let lines: Vec<String> = self.news.iter().flat_map(|line| wrapped(line, width)).collect();
        self.room.1 = room;
        self.news_back = self.news_back.min(lines.len().saturating_sub(room));
        let end = lines.len() - self.news_back;
        let shown = lines[end.saturating_sub(room)..end].iter().map(|line| Line::raw(line.as_str()));
        let title =
            if self.news_back > 0 { " what happened before; PgDn goes on " } else { " what happens " };
        frame.render_widget(
            Paragraph::new(shown.collect::<Vec<_>>()).block(Block::bordered().title(title)),
            area,
        );
    }

    /// Draws the part of the line around the cursor if the whole line does not fit.
    fn draw_line(&self, frame: &mut Frame<'_>, area: Rect) {
        let room = inside(area.width).saturating_sub("> ".len() + 1);
        let start = self.line.cursor().saturating_sub(room);
        let shown: String = self.line.text().chars().skip(start).take(room + 1).collect();
        frame.render_widget(Paragraph::new(format!("> {shown}")).block(Block::bordered()), area);
        let column = area.x + 1 + ("> ".len() + self.line.cursor() - start) as u16;
        frame.set_cursor_position((column.min(area.right().saturating_sub(2)), area.y + 1));
    }

    fn draw_help(&mut self, frame: &mut Frame<'_>, area: Rect) {
        self.room.0 = inside(area.height);
        let Some(top) = self.help else { return };
        let lines = HELP.lines().skip(top).take(self.room.0).map(Line::raw);
        let block = Block::bordered().title(" help: Up, Down, PgUp, PgDn scroll; any other key ends it ");
        frame.render_widget(Clear, area);
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()).block(block), area);
    }

    fn draw_orders(&self, frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
        let (session, next) = desk.position();
        let which = if self.all_orders { "all orders" } else { "open orders" };
        let state = if desk.is_connected() { "" } else { "NOT CONNECTED · " };
        let title = format!(" {state}{} · {session}, message {next} · {which} ", self.title);
        let is_wide = area.width >= WIDE;
        let shorter = |mut row: Vec<String>| {
            if !is_wide {
                row.remove(LEFT_OUT);
            }
            row
        };
        let shown = desk.blotter().orders().rev();
        let shown = shown.filter(|order| self.all_orders || order.standing == Standing::Open);
        let rows = shown.take(usize::from(area.height)).map(|order| {
            let side = if order.side == Side::Buy { Color::Green } else { Color::Red };
            (shorter(desk.order_row(order).to_vec()), Style::new().fg(side))
        });
        let header = shorter(ORDER_COLUMNS.map(str::to_owned).to_vec());
        draw_table(frame, area, &title, header, rows.collect());
    }
}

fn draw_fills(frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
    let rows = desk.fill_rows(inside(area.height).saturating_sub(1));
    let rows = rows.into_iter().map(|row| (row.to_vec(), Style::new())).collect();
    draw_table(frame, area, " trades, newest first ", FILL_COLUMNS.map(str::to_owned).to_vec(), rows);
}

/// Draws a table. Each column is as wide as its contents; the last one has the remaining width.
fn draw_table(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    header: Vec<String>,
    rows: Vec<(Vec<String>, Style)>,
) {
    let width_of = |column: usize| {
        let cells = rows.iter().map(|(cells, _)| &cells[column]).chain([&header[column]]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0) as u16
    };
    let last = header.len() - 1;
    let mut widths: Vec<Constraint> = (0..last).map(|column| Constraint::Length(width_of(column))).collect();
    widths.push(Constraint::Fill(1));
    let rows = rows.into_iter().map(|(cells, style)| Row::new(cells).style(style));
    let table = Table::new(rows, widths)
        .header(Row::new(header).style(Style::new().fg(Color::DarkGray)))
        .block(Block::bordered().title(title));
    frame.render_widget(table, area);
}

/// The length of a side without its borders.
fn inside(side: u16) -> usize {
    usize::from(side.saturating_sub(2))
}

/// Splits a line into pieces of at most `width` characters, between words if possible. Pieces after the first are indented.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let width = width.max(INDENT.len() + 1);
    let mut pieces = Vec::new();
    let mut rest: Vec<char> = line.chars().collect();
    while rest.len() > width {
        let space = rest[..=width].iter().rposition(|c| *c == ' ').filter(|at| *at > INDENT.len());
        let end = space.unwrap_or(width);
        pieces.push(rest[..end].iter().collect());
        let start = if space.is_some() { end + 1 } else { end };
        rest = INDENT.chars().chain(rest[start..].iter().copied()).collect();
    }
    pieces.push(rest.iter().collect());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    #[test]
    fn a_narrow_screen_shows_orders_and_what_they_wait_for_whole() {
        let mut terminal = Terminal::new(TestBackend::new(80, 5)).expect("a terminal");
        let header: Vec<String> =
            ["#", "side", "symbol", "price", "open", "traded", "standing"].map(str::to_owned).into();
        let row = [
            "12345",
            "sell",
            "BTC-USDT",
            "58000.01",
            "0.00012",
            "0.00001",
            "waits: stop 59000.5, link #12346",
        ];
        let rows = vec![(row.map(str::to_owned).to_vec(), Style::new())];
        terminal.draw(|frame| draw_table(frame, frame.area(), " orders ", header, rows)).expect("drawn");
        let shown = terminal.backend().to_string();
        assert!(row.iter().all(|cell| shown.contains(cell)), "{shown}");
    }

    #[test]
    fn help_is_scrolled_to_its_end_and_back() {
        let mut screen = Screen { help: Some(0), room: (10, 5), ..Screen::default() };
        let last = HELP.lines().count() - 10;
        for (key, top) in [
            (KeyCode::Up, Some(0)),
            (KeyCode::Down, Some(1)),
            (KeyCode::PageDown, Some(11)),
            (KeyCode::End, Some(last)),
            (KeyCode::Down, Some(last)),
            (KeyCode::PageUp, Some(last - 10)),
            (KeyCode::Home, Some(0)),
            (KeyCode::Esc, None),
        ] {
            screen.scroll_help(key);
            assert_eq!(screen.help, top, "{key:?}");
        }
    }

    #[test]
    fn lines_are_cut_between_words() {
        assert_eq!(wrapped("short", 10), ["short"]);
        assert_eq!(wrapped("one two three four", 10), ["one two", "  three", "  four"]);
        assert_eq!(wrapped("aaaaaaaaaaaaaaaaaaaa", 8), ["aaaaaaaa", "  aaaaaa", "  aaaaaa"]);
        assert_eq!(wrapped("", 8), [""]);
        for width in 0..20 {
            let pieces = wrapped("#4: remaining 2.4 cancelled (nothing more to match)", width);
            assert!(pieces.iter().all(|piece| piece.chars().count() <= width.max(3)), "{width}: {pieces:?}");
        }
    }
}
