//! The published form of the server, its OpenAPI document, as a judge of its answers.
//!
//! Stricter than a client would be: a field that the document does not name is a failure too, so that the document
//! can't fall behind. Problems may carry further fields of their case. What is said to people must be in the language
//! that the answer names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{Draft, Validator};
use kaowei::problem::Language;
use serde_json::{Value, json};

use super::client::Reply;
use crate::language::is_in;

/// One operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    /// In capitals.
    pub method: String,
    /// The path with its parameters in braces.
    pub template: String,
    /// `public`, `candidate`, `provider` or `staff`.
    pub tag: String,
    /// Whether it takes a JSON body.
    pub takes_json: bool,
    answers: Value,
}

/// The document, ready to judge.
pub struct Contract {
    /// As it was served.
    pub document: Value,
    operations: Vec<Operation>,
    components: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// Reads the document.
    pub fn read(bytes: &[u8]) -> Arc<Self> {
        let document: Value = serde_json::from_slice(bytes).expect("the document is JSON");
        let mut operations = Vec::new();
        for (template, methods) in document["paths"].as_object().expect("there are paths") {
            for (method, operation) in methods.as_object().expect("a path has methods") {
                operations.push(Operation {
                    method: method.to_uppercase(),
                    template: template.clone(),
                    tag: operation["tags"][0].as_str().unwrap_or("").into(),
                    takes_json: operation["requestBody"]["content"]["application/json"].is_object(),
                    answers: operation["responses"].clone(),
                });
            }
        }
        Arc::new(Self {
            components: strict(&document["components"]),
            document,
            operations,
            validators: Mutex::default(),
        })
    }

    /// All operations.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// Judges an answer; fails with what is wrong with it.
    pub fn judge(&self, method: &str, path: &str, reply: &Reply) {
        let what = format!("{method} {path} -> {} {}", reply.status, reply.text_start());
        if reply.status >= 400 && reply.header("content-type") != Some("application/json") {
            judge_problem(&what, reply);
        }
        judge_language(&what, reply);
        let path = path.split('?').next().unwrap_or("");
        let found = self
            .operations
            .iter()
            .filter(|operation| operation.method == method && fits(&operation.template, path))
            // A fixed path goes before one with parameters.
            .min_by_key(|operation| operation.template.matches('{').count());
        let Some(operation) = found else {
            let undocumented = path.starts_with("/docs") || matches!(reply.status, 404 | 405);
            assert!(undocumented, "no operation of the document: {what}");
            return;
        };
        let answer = &operation.answers[reply.status.to_string()];
        assert!(
            answer.is_object(),
            "the document does not know this status: {what}"
        );
        match answer["content"].as_object() {
            None => assert!(reply.bytes.is_empty(), "the document knows no body here: {what}"),
            Some(content) => {
                let kind = reply.header("content-type").unwrap_or("");
                let essence = kind.split(';').next().unwrap_or("").trim();
                let documented = content.get(essence);
                let schema = documented.unwrap_or_else(|| panic!("not the documented type: {kind}: {what}"));
                if essence.ends_with("json") {
                    let name = format!("{method} {} {}", operation.template, reply.status);
                    self.validate(&name, &schema["schema"], &reply.json(), &what);
                }
            }
        }
    }

    /// Judges an event of a stream by the schema of its name.
    pub fn judge_event(&self, path: &str, name: &str, data: &Value) {
        let what = format!("event {name} of {path}: {data}");
        let operation = self
            .operations
            .iter()
            .find(|operation| operation.template == path);
        let operation = operation.expect("the stream is in the document");
        let schema = &operation.answers["200"]["content"]["text/event-stream"]["schema"];
        let pointer = schema["$ref"]
            .as_str()
            .and_then(|target| target.strip_prefix('#'));
        let of_all = self.document.pointer(pointer.expect("its events are documented"));
        let schema = of_all.and_then(|events| events["properties"].get(name));
        let schema = schema.unwrap_or_else(|| panic!("the document does not know this event: {what}"));
        self.validate(&format!("{path} {name}"), schema, data, &what);
    }

    fn validate(&self, name: &str, schema: &Value, body: &Value, what: &str) {
        let validator = {
            let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
            let validator = validators
                .entry(name.to_owned())
                .or_insert_with(|| Arc::new(self.compile(schema)));
            Arc::clone(validator)
        };
        let errors: Vec<String> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what} is not as documented: {errors:#?}");
    }

    fn compile(&self, schema: &Value) -> Validator {
        let root = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": self.components,
            "allOf": [strict(schema)],
        });
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .build(&root)
            .expect("the document's schemas are schemas")
    }
}

/// What every problem has (2.1).
fn judge_problem(what: &str, reply: &Reply) {
    assert_eq!(
        reply.header("content-type"),
        Some("application/problem+json"),
        "{what}"
    );
    let body = reply.json();
    let text = |name: &str| {
        let text = body[name].as_str().unwrap_or("");
        assert!(!text.is_empty(), "a problem has a {name}: {what}");
        text.to_owned()
    };
    assert_eq!(text("type"), format!("/problems/{}", text("code")), "{what}");
    assert!(!text("title").is_empty() && !text("detail").is_empty());
    assert_eq!(body["status"], reply.status, "{what}");
    assert_eq!(
        Some(text("request_id").as_str()),
        reply.header("x-request-id"),
        "{what}"
    );
    if let Some(retry_after_ms) = body["retry_after_ms"].as_u64() {
        let seconds: u64 = reply
            .header("retry-after")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        assert_eq!(seconds, retry_after_ms.div_ceil(1_000).max(1), "{what}");
    }
}

/// What is said to people is in the language that the answer says it is in.
fn judge_language(what: &str, reply: &Reply) {
    let Some(tag) = reply.header("content-language") else {
        assert!(
            reply.header("content-type") != Some("application/problem+json"),
            "a problem says in which language it is: {what}"
        );
        return;
    };
    let language = match tag {
        "zh-CN" => Language::Chinese,
        "en" => Language::English,
        _ => panic!("no language of ours: {tag}: {what}"),
    };
    let body = reply.json();
    let of_each = |list: &str, name: &str| -> Vec<Value> {
        let items = body[list].as_array().into_iter().flatten();
        items.map(|item| item[name].clone()).collect()
    };
    let own = [&body["title"], &body["detail"]];
    let texts = own.into_iter().cloned();
    let texts = texts
        .chain(of_each("errors", "detail"))
        .chain(of_each("rejected", "problem"));
    for text in texts.filter_map(|text| text.as_str().map(str::to_owned)) {
        assert!(is_in(&text, language), "not in {tag}: {text:?}: {what}");
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted == given => {}
            (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
            _ => return false,
        }
    }
}

/// The same schema, but an object that another names may have no field that is not documented.
fn strict(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut closed: serde_json::Map<String, Value> = members
                .iter()
                .map(|(name, member)| {
                    let member = match (name.as_str(), member) {
                        // What is put together from parts is closed as a whole, not part by part.
                        ("allOf", Value::Array(parts)) => parts.clone().into(),
                        _ => strict(member),
                    };
                    (name.clone(), member)
                })
                .collect();
            let target = members.get("$ref").and_then(Value::as_str);
            if target.is_some_and(|target| !target.ends_with("/Problem")) {
                closed.insert("unevaluatedProperties".into(), false.into());
            }
            Value::Object(closed)
        }
        Value::Array(items) => items.iter().map(strict).collect(),
        plain => plain.clone(),
    }
}
