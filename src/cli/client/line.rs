//! The input line: its text, the cursor, and the history.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Number of lines in the history.
const HISTORY_MAX: usize = 200;

/// The input line.
#[derive(Debug, Default)]
pub struct LineEditor {
    text: Vec<char>,
    /// The index at which the next character is inserted, from 0 to the length of the text.
    cursor: usize,
    /// Earlier lines, oldest first.
    history: Vec<String>,
    /// The index of the recalled line, and the text that was typed before.
    recalled: Option<(usize, Vec<char>)>,
}

impl LineEditor {
    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// Number of characters before the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Returns the text, clears it, and adds it to the history.
    pub fn take(&mut self) -> String {
        let line = self.text();
        self.set(Vec::new());
        self.recalled = None;
        if !line.trim().is_empty() && self.history.last() != Some(&line) {
            if self.history.len() == HISTORY_MAX {
                self.history.remove(0);
            }
            self.history.push(line.clone());
        }
        line
    }

    /// Handles a key. Returns `false` if the key does not edit the line.
    pub fn press(&mut self, key: KeyEvent) -> bool {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.len(),
            KeyCode::Char('a') if is_control => self.cursor = 0,
            KeyCode::Char('e') if is_control => self.cursor = self.text.len(),
            KeyCode::Char('u') if is_control => {
                self.text.drain(..self.cursor);
                self.cursor = 0;
            }
            KeyCode::Char('k') if is_control => self.text.truncate(self.cursor),
            KeyCode::Char('w') if is_control => self.erase_word(),
            KeyCode::Char(_) if is_control => return false,
            KeyCode::Char(character) => {
                self.text.insert(self.cursor, character);
                self.cursor += 1;
            }
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = self.text.len().min(self.cursor + 1),
            KeyCode::Backspace => {
                if self.cursor > 0 {
                    self.cursor -= 1;
                    self.text.remove(self.cursor);
                }
            }
            KeyCode::Delete => {
                if self.cursor < self.text.len() {
                    self.text.remove(self.cursor);
                }
            }
            KeyCode::Esc => self.set(Vec::new()),
            KeyCode::Up => self.recall_earlier(),
            KeyCode::Down => self.recall_later(),
            _ => return false,
        }
        true
    }

    fn set(&mut self, text: Vec<char>) {
        self.cursor = text.len();
        self.text = text;
    }

    /// Erases the word before the cursor, and the spaces after it.
    fn erase_word(&mut self) {
        let before = &self.text[..self.cursor];
        let end = before.iter().rposition(|c| *c != ' ').map_or(0, |at| at + 1);
        let start = before[..end].iter().rposition(|c| *c == ' ').map_or(0, |at| at + 1);
        self.text.drain(start..self.cursor);
        self.cursor = start;
    }

    fn recall_earlier(&mut self) {
        let at = self.recalled.as_ref().map_or(self.history.len(), |(at, _)| *at);
        let Some(earlier) = at.checked_sub(1) else { return };
        let typed = self.recalled.take().map_or_else(|| self.text.clone(), |(_, typed)| typed);
        self.set(self.history[earlier].chars().collect());
        self.recalled = Some((earlier, typed));
    }

    fn recall_later(&mut self) {
        let Some((at, typed)) = self.recalled.take() else { return };
        match self.history.get(at + 1) {
            Some(later) => {
                self.set(later.chars().collect());
                self.recalled = Some((at + 1, typed));
            }
            None => self.set(typed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Types text and presses keys, and shows the line with its cursor.
    fn after(line: &mut LineEditor, text: &str, keys: &[KeyCode]) -> String {
        text.chars().for_each(|character| assert!(line.press(KeyCode::Char(character).into())));
        keys.iter().for_each(|key| assert!(line.press((*key).into()), "{key:?}"));
        let (before, behind) = line.text.split_at(line.cursor);
        format!("{}|{}", String::from_iter(before), String::from_iter(behind))
    }

    #[test]
    fn a_line_is_edited_at_the_cursor() {
        use KeyCode::{Backspace, Delete, End, Esc, Home, Left, Right};
        let mut line = LineEditor::default();
        assert_eq!(after(&mut line, "buy 1é", &[Left, Left]), "buy |1é");
        assert_eq!(after(&mut line, "0", &[]), "buy 0|1é");
        assert_eq!(after(&mut line, "", &[Delete, Delete, Delete]), "buy 0|");
        assert_eq!(after(&mut line, ".5", &[Home, Left, Delete]), "|uy 0.5");
        assert_eq!(after(&mut line, "b", &[Right, Backspace]), "b|y 0.5");
        assert_eq!(after(&mut line, "", &[End, Right, Backspace]), "by 0.|");
        assert_eq!(after(&mut line, "", &[Esc, Backspace]), "|");
        let control = |key| KeyEvent::new(KeyCode::Char(key), KeyModifiers::CONTROL);
        after(&mut line, "cancel 12  ", &[]);
        assert!(line.press(control('w')));
        assert_eq!(after(&mut line, "", &[]), "cancel |");
        assert!(line.press(control('a')) && line.press(control('k')) && !line.press(control('z')));
        assert_eq!(after(&mut line, "", &[]), "|");
    }

    #[test]
    fn lines_are_recalled_and_the_unfinished_one_comes_back() {
        use KeyCode::{Down, Up};
        let mut line = LineEditor::default();
        for typed in ["one", "two", "two", " "] {
            after(&mut line, typed, &[]);
            assert_eq!(line.take(), typed);
        }
        assert_eq!(after(&mut line, "thr", &[Up]), "two|");
        assert_eq!(after(&mut line, "", &[Up, Up]), "one|", "the first one stays");
        assert_eq!(after(&mut line, "", &[Down, Down]), "thr|");
        assert_eq!(after(&mut line, "", &[Down]), "thr|");
        assert_eq!(after(&mut line, "", &[Up]), "two|");
        assert_eq!(line.take(), "two");
        assert_eq!(after(&mut line, "", &[Up, Up]), "one|", "a line said twice is remembered once");
    }
}
