//! Spans in the JSON form of OTLP.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Attribute, Span};

/// The body of one request to a collector.
pub(super) fn request(spans: &[Span]) -> String {
    let mut body = String::with_capacity(512 + spans.len() * 384);
    // Writing to a string does not fail.
    let _ = write!(
        body,
        "{{\"resourceSpans\":[{{\"resource\":{{\"attributes\":[{},{}]}},\"scopeSpans\":[{{\"scope\":{{\"name\":\"cowrite\"}},\"spans\":[",
        text_attribute("service.name", "cowrite-server"),
        text_attribute("service.version", env!("CARGO_PKG_VERSION")),
    );
    for (at, span) in spans.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        put(&mut body, span);
    }
    body.push_str("]}]}]}");
    body
}

fn put(body: &mut String, span: &Span) {
    let _ = write!(body, "{{\"traceId\":\"{}\",\"spanId\":\"{}\",", hex(&span.trace), hex(&span.id));
    if let Some(parent) = &span.parent {
        let _ = write!(body, "\"parentSpanId\":\"{}\",", hex(parent));
    }
    let (start, end) = (nanos(span.start), nanos(span.end));
    let (name, kind) = (span.name, span.kind as u8);
    let _ = write!(
        body,
        "\"name\":\"{name}\",\"kind\":{kind},\"startTimeUnixNano\":\"{start}\",\"endTimeUnixNano\":\"{end}\",\"attributes\":["
    );
    for (at, (key, value)) in span.attributes.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        body.push_str(&match value {
            Attribute::Text(text) => text_attribute(key, text),
            Attribute::Number(number) => format!("{{\"key\":\"{key}\",\"value\":{{\"intValue\":\"{number}\"}}}}"),
        });
    }
    body.push_str("]}");
}

fn text_attribute(key: &str, text: &str) -> String {
    format!("{{\"key\":\"{key}\",\"value\":{{\"stringValue\":\"{}\"}}}}", escape(text))
}

/// Texts are ours, or names that are checked; what JSON would mind is left out all the same.
fn escape(text: &str) -> String {
    text.chars().filter(|character| !character.is_control() && !matches!(character, '"' | '\\')).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn nanos(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::SpanKind;
    use super::*;

    #[test]
    fn a_span_is_written_as_otlp_has_it() {
        let start = UNIX_EPOCH + Duration::from_nanos(5);
        let span = Span {
            trace: [0xab; 16],
            id: [1; 8],
            parent: None,
            name: "edit",
            kind: SpanKind::Server,
            start,
            end: start,
            attributes: vec![("a", Attribute::Text("x\"\n".to_owned())), ("b", Attribute::Number(7))],
        };
        let child = Span { parent: Some([2; 8]), attributes: Vec::new(), ..span.clone() };
        let body = request(&[span, child]);
        let first = format!(
            "[{{\"traceId\":\"{}\",\"spanId\":\"0101010101010101\",\"name\":\"edit\",\"kind\":2,\"startTimeUnixNano\":\"5\",\
            \"endTimeUnixNano\":\"5\",\"attributes\":[{{\"key\":\"a\",\"value\":{{\"stringValue\":\"x\"}}}},\
            {{\"key\":\"b\",\"value\":{{\"intValue\":\"7\"}}}}]}},",
            "ab".repeat(16)
        );
        assert!(body.contains(&first), "{body}");
        assert!(
            body.contains("\"parentSpanId\":\"0202020202020202\"") && body.ends_with("\"attributes\":[]}]}]}]}"),
            "{body}"
        );
    }
}
