//! The screen: open orders, the last trades, what has happened, and a line to type on.

use super::desk::{Desk, Said};
use super::plain::{FILL_COLUMNS, ORDER_COLUMNS};
use super::words::{self, HELP};
use crate::client::blotter::Standing;
use crate::domain::Side;
use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};
use std::collections::VecDeque;
use std::time::Duration;

/// How long a turn waits for a key: as long as what comes from the server can wait to be seen.
const TURN: Duration = Duration::from_millis(30);

/// Lines of what has happened that are kept.
const NEWS_MAX: usize = 500;

/// What is on the screen beside the books.
#[derive(Debug, Default)]
struct Screen {
    title: String,
    news: VecDeque<String>,
    typed: String,
    /// Lines typed before, oldest first, and which of them is shown.
    history: Vec<String>,
    recalled: Option<usize>,
    /// All orders, or only those that are open.
    all_orders: bool,
}

/// Runs until the person leaves.
///
/// # Errors
/// When the session ends other than by leaving, or the terminal fails.
pub fn run(mut desk: Desk, title: &str) -> anyhow::Result<()> {
    let mut terminal = ratatui::init();
    let mut screen = Screen { title: title.to_owned(), ..Screen::default() };
    screen.note("`help` shows what can be said; Tab shows all orders or the open ones; Ctrl-C leaves");
    let ended = loop {
        if let Err(error) = desk.turn(Duration::ZERO) {
            break Err(error.into());
        }
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
    if ended.is_ok() {
        desk.leave();
    }
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
    }

    fn press(&mut self, key: KeyEvent, desk: &mut Desk) -> Said {
        match key.code {
            KeyCode::Char('c' | 'd') if key.modifiers.contains(KeyModifiers::CONTROL) => return Said::Quit,
            KeyCode::Char(character) => self.typed.push(character),
            KeyCode::Backspace => drop(self.typed.pop()),
            KeyCode::Esc => self.typed.clear(),
            KeyCode::Tab => self.all_orders = !self.all_orders,
            KeyCode::Up => self.recall(-1),
            KeyCode::Down => self.recall(1),
            KeyCode::Enter => return self.enter(desk),
            _ => {}
        }
        Said::Done
    }

    /// Shows an earlier or later line that was typed.
    fn recall(&mut self, by: isize) {
        let at = self.recalled.unwrap_or(self.history.len());
        let wanted = at.saturating_add_signed(by);
        self.recalled = (wanted < self.history.len()).then_some(wanted);
        self.typed = self.recalled.map_or_else(String::new, |at| self.history[at].clone());
    }

    fn enter(&mut self, desk: &mut Desk) -> Said {
        let line = std::mem::take(&mut self.typed);
        self.recalled = None;
        if line.trim().is_empty() {
            return Said::Done;
        }
        self.note(&format!("> {line}"));
        self.history.push(line.clone());
        match words::read(&line).map_err(anyhow::Error::from).and_then(|line| desk.say(&line)) {
            Ok(Said::Help) => HELP.lines().for_each(|line| self.note(line)),
            Ok(Said::Orders) => self.all_orders = !self.all_orders,
            Ok(Said::Fills | Said::Done) => {}
            Ok(Said::Quit) => return Said::Quit,
            Err(error) => self.note(&format!("not done: {error:#}")),
        }
        Said::Done
    }

    fn draw(&self, frame: &mut Frame<'_>, desk: &Desk) {
        let rows = Layout::vertical([
            Constraint::Percentage(40),
            Constraint::Percentage(25),
            Constraint::Fill(1),
            Constraint::Length(3),
        ]);
        let [orders, fills, news, line] = rows.areas(frame.area());
        self.draw_orders(frame, orders, desk);
        let rows = desk.fill_rows(usize::from(fills.height.saturating_sub(3)));
        let widths = [14, 8, 5, 16, 9, 16, 24].map(Constraint::Length);
        let table = Table::new(rows.into_iter().map(Row::new), widths)
            .header(Row::new(FILL_COLUMNS).style(Style::new().fg(Color::DarkGray)))
            .block(Block::bordered().title(" trades, newest first "));
        frame.render_widget(table, fills);
        let room = usize::from(news.height.saturating_sub(2));
        let lines = self.news.iter().skip(self.news.len().saturating_sub(room));
        let text: Vec<Line<'_>> = lines.map(|line| Line::raw(line.as_str())).collect();
        frame.render_widget(Paragraph::new(text).block(Block::bordered().title(" what happens ")), news);
        let prompt = format!("> {}", self.typed);
        let column = line.x + 1 + prompt.chars().count() as u16;
        frame.render_widget(Paragraph::new(prompt).block(Block::bordered()), line);
        frame.set_cursor_position((column.min(line.right().saturating_sub(2)), line.y + 1));
    }

    fn draw_orders(&self, frame: &mut Frame<'_>, area: ratatui::layout::Rect, desk: &Desk) {
        let (session, next) = desk.position();
        let which = if self.all_orders { "all orders" } else { "open orders" };
        let title = format!(" {} · session {session}, message {next} · {which} ", self.title);
        let shown = desk.blotter().orders().rev();
        let shown = shown.filter(|order| self.all_orders || order.standing == Standing::Open);
        let rows = shown.take(usize::from(area.height)).map(|order| {
            let side = if order.side == Side::Buy { Color::Green } else { Color::Red };
            Row::new(desk.order_row(order)).style(Style::new().fg(side))
        });
        let widths = [8, 5, 9, 14, 14, 14, 14].map(Constraint::Length).into_iter();
        let table = Table::new(rows, widths.chain([Constraint::Fill(1)]))
            .header(Row::new(ORDER_COLUMNS).style(Style::new().fg(Color::DarkGray)))
            .block(Block::bordered().title(title));
        frame.render_widget(table, area);
    }
}
