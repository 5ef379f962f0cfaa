//! The page of a problem: what happened and what to do, in both languages, the preferred one first.

use super::{Code, Language};

/// The page as HTML. Everything on it is our own text, so nothing needs escaping.
pub fn page(code: Code, language: Language) -> String {
    let other = match language {
        Language::Chinese => Language::English,
        Language::English => Language::Chinese,
    };
    let title = code.title().in_language(language);
    format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · {name}</title>\n</head>\n<body>\n<main>\n{first}{second}\
         <p><code>{name}</code> · HTTP {status}</p>\n</main>\n</body>\n</html>\n",
        lang = language.tag(),
        name = code.as_str(),
        first = section(code, language),
        second = section(code, other),
        status = code.status().as_u16(),
    )
}

fn section(code: Code, language: Language) -> String {
    let (happened, todo) = match language {
        Language::Chinese => ("发生了什么", "怎么办"),
        Language::English => ("What happened", "What to do"),
    };
    format!(
        "<section lang=\"{lang}\">\n<h1>{title}</h1>\n<h2>{happened}</h2>\n<p>{title}</p>\n\
         <h2>{todo}</h2>\n<p>{advice}</p>\n</section>\n",
        lang = language.tag(),
        title = code.title().in_language(language),
        advice = code.advice().in_language(language),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_page_in_both_languages_that_says_what_to_do() {
        for code in Code::ALL {
            let html = page(*code, Language::Chinese);
            for text in [code.title(), code.advice()] {
                assert!(!text.zh.is_empty() && html.contains(text.zh), "{code:?}");
                assert!(!text.en.is_empty() && html.contains(text.en), "{code:?}");
            }
            assert_eq!(Code::named(code.as_str()), Some(*code));
            assert!(code.page().ends_with(code.as_str()));
        }
    }
}
