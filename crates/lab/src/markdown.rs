//! Markdown to safe HTML. Names are put in after parsing, so that no value can
//! become markup, and raw HTML is shown as the text it is.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd, TextMergeStream, html};
use serde::{Deserialize, Serialize};

use crate::template;
use crate::variables::Variables;

/// Markdown of the lab, with placeholders for the learner's names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Markdown {
    /// Unique in the lab and fit for an `id` in HTML, for example `ingest-cli`.
    pub id: String,
    /// The source, with the lab's files already included.
    pub source: String,
}

impl Markdown {
    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.source.trim().is_empty()
    }
}

/// HTML that is safe to put into a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Html(String);

impl Html {
    /// The HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Markdown as HTML with the learner's names in it. The `n`th code block (from
/// 1) is `<pre id="code-{markdown.id}-{n}" class="code-block" data-language="…"
/// tabindex="0"><code class="language-…">`.
#[must_use]
pub fn render(markdown: &Markdown, variables: &Variables) -> Html {
    let mut rendered = String::new();
    let mut blocks = 0;
    let events = events(&markdown.source).map(|event| to_html(event, variables, &markdown.id, &mut blocks));
    html::push_html(&mut rendered, events);
    Html(rendered)
}

/// Markdown of one paragraph as HTML without the paragraph around it, for
/// labels, list entries and headings.
#[must_use]
pub fn render_inline(markdown: &Markdown, variables: &Variables) -> Html {
    let mut rendered = String::new();
    let mut blocks = 0;
    let events = events(&markdown.source)
        .filter(|event| !matches!(event, Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)))
        .map(|event| to_html(event, variables, &markdown.id, &mut blocks));
    html::push_html(&mut rendered, events);
    Html(rendered)
}

/// The text of each code block of `language`, with the learner's names in it.
pub(crate) fn code_blocks(markdown: &Markdown, language: &str, variables: &Variables) -> Vec<String> {
    let mut found = Vec::new();
    let mut current: Option<String> = None;
    for event in events(&markdown.source) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) if block_language(&kind) == language => current = Some(String::new()),
            Event::Text(text) => {
                if let Some(block) = &mut current {
                    block.push_str(&template::substitute(&text, variables));
                }
            }
            Event::End(TagEnd::CodeBlock) => found.extend(current.take()),
            _ => {}
        }
    }
    found
}

/// The parser as the whole crate uses it: `CommonMark` and tables.
pub(crate) fn parser(source: &str) -> Parser<'_> {
    Parser::new_ext(source, Options::ENABLE_TABLES)
}

/// The language of a code block, or the empty string.
pub(crate) fn block_language<'a>(kind: &'a CodeBlockKind<'_>) -> &'a str {
    match kind {
        CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default(),
        CodeBlockKind::Indented => "",
    }
}

/// Whether a link may be followed: the web, the page itself, or Headwater's own pages.
pub(crate) fn is_safe_link(address: &str) -> bool {
    let own = address.starts_with('#') || (address.starts_with('/') && !address.starts_with("//"));
    own || address.starts_with("https://") || address.starts_with("http://")
}

/// Text merged, because a placeholder may be split over several text events.
fn events(source: &str) -> impl Iterator<Item = Event<'_>> {
    TextMergeStream::new(parser(source))
}

fn to_html<'a>(event: Event<'a>, variables: &Variables, id: &str, blocks: &mut usize) -> Event<'a> {
    match event {
        Event::Text(text) => Event::Text(template::substitute(&text, variables).into()),
        Event::Code(text) => Event::Code(template::substitute(&text, variables).into()),
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let address = template::substitute(&dest_url, variables);
            let dest_url: CowStr<'a> = if is_safe_link(&address) { address.into() } else { "#".into() };
            Event::Start(Tag::Link { link_type, dest_url, title, id })
        }
        // A picture becomes its description: the content folder holds none.
        Event::Start(Tag::Image { .. }) => Event::Start(Tag::Emphasis),
        Event::End(TagEnd::Image) => Event::End(TagEnd::Emphasis),
        Event::Start(Tag::CodeBlock(kind)) => {
            *blocks += 1;
            let language = block_language(&kind);
            let safe = !language.is_empty() && language.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let language = if safe { language } else { "text" };
            Event::Html(
                format!(
                    "<pre id=\"code-{id}-{blocks}\" class=\"code-block\" data-language=\"{language}\" \
                     tabindex=\"0\"><code class=\"language-{language}\">"
                )
                .into(),
            )
        }
        Event::End(TagEnd::CodeBlock) => Event::Html("</code></pre>\n".into()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables() -> Variables {
        Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566")
    }

    fn markdown(source: &str) -> Markdown {
        Markdown { id: "ingest-cli".to_owned(), source: source.to_owned() }
    }

    #[test]
    fn names_are_put_in_wherever_text_stands() {
        let source =
            "Send to *{{stream}}*, `{{prefix}}` in [S3]({{endpoint}}/{{bucket}}).\n\n| {{table}} |\n|---|\n| x |\n";
        insta::assert_snapshot!(render(&markdown(source), &variables()).as_str(), @r#"
        <p>Send to <em>ClickStreamData</em>, <code>clicks/</code> in <a href="http://127.0.0.1:4566/clickstream-123456789012-us-east-1">S3</a>.</p>
        <table><thead><tr><th>ClickstreamWindowCounts</th></tr></thead><tbody>
        <tr><td>x</td></tr>
        </tbody></table>
        "#);
    }

    #[test]
    fn a_hostile_name_stays_text() {
        let mut variables = variables();
        variables.table = "<script>alert(1)</script>*x* [y](javascript:z)".to_owned();
        variables.endpoint = "javascript:alert(1)".to_owned();
        let source = "{{table}} `{{table}}` [go]({{endpoint}})\n\n```bash\necho {{table}}\n```\n";
        insta::assert_snapshot!(render(&markdown(source), &variables).as_str(), @r##"
        <p>&lt;script&gt;alert(1)&lt;/script&gt;*x* [y](javascript:z) <code>&lt;script&gt;alert(1)&lt;/script&gt;*x* [y](javascript:z)</code> <a href="#">go</a></p>
        <pre id="code-ingest-cli-1" class="code-block" data-language="bash" tabindex="0"><code class="language-bash">echo &lt;script&gt;alert(1)&lt;/script&gt;*x* [y](javascript:z)
        </code></pre>
        "##);
    }

    #[test]
    fn raw_html_is_shown_not_obeyed() {
        let source = "a <b onclick=x>b</b>\n\n<script>\nalert(1)\n</script>\n\n![a picture](x.png) [l](data:x)\n";
        insta::assert_snapshot!(render(&markdown(source), &variables()).as_str(), @r##"
        <p>a &lt;b onclick=x&gt;b&lt;/b&gt;</p>
        <p>&lt;script&gt;
        alert(1)
        &lt;/script&gt;
        </p>
        <p><em>a picture</em> <a href="#">l</a></p>
        "##);
    }

    #[test]
    fn code_blocks_are_numbered_and_a_strange_language_is_text() {
        let source = "```python\nx < 1\n```\n\n```\"><i>\ny\n```\n\n    indented\n";
        insta::assert_snapshot!(render(&markdown(source), &variables()).as_str(), @r#"
        <pre id="code-ingest-cli-1" class="code-block" data-language="python" tabindex="0"><code class="language-python">x &lt; 1
        </code></pre>
        <pre id="code-ingest-cli-2" class="code-block" data-language="text" tabindex="0"><code class="language-text">y
        </code></pre>
        <pre id="code-ingest-cli-3" class="code-block" data-language="text" tabindex="0"><code class="language-text">indented
        </code></pre>
        "#);
    }

    #[test]
    fn inline_markdown_has_no_paragraph() {
        let inline = render_inline(&markdown("Use `{{bucket}}` & **wait**."), &variables());
        assert_eq!(inline.as_str(), "Use <code>clickstream-123456789012-us-east-1</code> &amp; <strong>wait</strong>.");
    }

    #[test]
    fn the_shell_text_is_what_the_page_shows() {
        let source = "1. First\n\n   ```bash\n   printf 'a\\tb\\n' > \"{{stream}}.tsv\"\n     indented\n   ```\n\n```json\n{}\n```\n\n```bash\nls\n```\n";
        let blocks = code_blocks(&markdown(source), "bash", &variables());
        assert_eq!(blocks, ["printf 'a\\tb\\n' > \"ClickStreamData.tsv\"\n  indented\n", "ls\n"]);
    }
}
