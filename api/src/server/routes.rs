//! The table of routes, from the OpenAPI document: which template an address belongs to, for metrics and limits.
//!
//! axum knows the matched path too, but only inside the router; time limits, panics and metrics are around it.

use std::collections::HashMap;

/// One route of the table; its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RouteIndex(usize);

/// All routes by template.
#[derive(Debug)]
pub struct Routes {
    templates: Vec<String>,
    fixed: HashMap<String, RouteIndex>,
    /// Templates with parameters, as segments; none is a parameter.
    patterns: Vec<(Vec<Option<String>>, RouteIndex)>,
}

impl Routes {
    /// What an address that belongs to no route counts as.
    pub const UNKNOWN: RouteIndex = RouteIndex(0);

    /// The table of these templates, such as `/v1/claims/{id}`.
    pub fn new(templates: impl IntoIterator<Item = String>) -> Self {
        let mut routes = Self {
            templates: vec!["unknown".into()],
            fixed: HashMap::new(),
            patterns: Vec::new(),
        };
        for template in templates {
            let index = RouteIndex(routes.templates.len());
            if template.contains('{') {
                let segments = template
                    .split('/')
                    .map(|segment| (!segment.starts_with('{')).then(|| segment.to_owned()));
                routes.patterns.push((segments.collect(), index));
            } else {
                routes.fixed.insert(template.clone(), index);
            }
            routes.templates.push(template);
        }
        routes
    }

    /// The route that a path belongs to.
    pub fn find(&self, path: &str) -> RouteIndex {
        if let Some(index) = self.fixed.get(path) {
            return *index;
        }
        let fits = |pattern: &[Option<String>]| {
            let mut segments = path.split('/');
            let all = pattern.iter().all(|wanted| {
                segments.next().is_some_and(|segment| match wanted {
                    Some(wanted) => wanted == segment,
                    None => !segment.is_empty(),
                })
            });
            all && segments.next().is_none()
        };
        self.patterns
            .iter()
            .find(|(pattern, _)| fits(pattern))
            .map_or(Self::UNKNOWN, |(_, index)| *index)
    }

    /// The template of a route.
    pub fn template(&self, route: RouteIndex) -> &str {
        &self.templates[route.0]
    }

    /// All templates, in order of their indices.
    pub fn templates(&self) -> &[String] {
        &self.templates
    }
}

impl RouteIndex {
    /// Its place in the table.
    pub fn get(self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_its_template() {
        let templates = ["/v1/claims", "/v1/claims/{id}", "/v1/claims/{id}/cancel"];
        let routes = Routes::new(templates.map(String::from));
        let template = |path| routes.template(routes.find(path));
        assert_eq!(template("/v1/claims"), "/v1/claims");
        assert_eq!(template("/v1/claims/991010-1-2"), "/v1/claims/{id}");
        assert_eq!(template("/v1/claims/991010-1-2/cancel"), "/v1/claims/{id}/cancel");
        for path in ["/v1/claims/", "/v1/claims/a/b", "/v1/claims/a/cancel/x", "/"] {
            assert_eq!(template(path), "unknown", "{path}");
        }
    }
}
