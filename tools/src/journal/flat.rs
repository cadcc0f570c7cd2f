//! A record's fields as a flat list: path and value, in the order of declaration.

use super::entry::Value;
use serde_json::Value as Json;

/// One field that has a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// The keys of the path, joined by dots: `echo.cl_ord_id`.
    pub(super) path: String,
    /// A number, text or boolean; never null.
    pub(super) value: Json,
}

impl Field {
    /// The value without quotation marks.
    pub(super) fn text(&self) -> String {
        match &self.value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// All fields of a command or event that have a value.
pub(super) fn fields(value: &Value) -> Vec<Field> {
    let json = match value {
        Value::Command(command) => serde_json::to_value(command),
        Value::Event(record) => serde_json::to_value(record.event),
    };
    // Numbers, text and structs always have a JSON form.
    let json = json.unwrap_or_default();
    let mut fields = Vec::new();
    flatten(json.get("fields").unwrap_or(&Json::Null), &mut String::new(), &mut fields);
    fields
}

fn flatten(value: &Json, path: &mut String, into: &mut Vec<Field>) {
    let mut below = |key: &str, value: &Json| {
        let length = path.len();
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        flatten(value, path, into);
        path.truncate(length);
    };
    match value {
        Json::Null => {}
        Json::Object(members) => members.iter().for_each(|(key, value)| below(key, value)),
        Json::Array(items) => {
            (0..).zip(items).for_each(|(at, value): (usize, _)| below(&at.to_string(), value))
        }
        value => into.push(Field { path: path.clone(), value: value.clone() }),
    }
}
