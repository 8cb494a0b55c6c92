//! What a browser sees between a course of a learning platform and the lab: pages without a script, which work in a frame and
//! where the router's pages are not.

use crate::app::document_head;
use crate::components::{brand_mark, lab_title};
use crate::model::LabChoice;
use crate::preferences::Theme;
use leptos::prelude::*;

/// Such a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoursePage {
    /// A frame holds back what signs somebody in.
    OwnWindow {
        /// Begins the login again.
        login: String,
    },
    /// Somebody is asked before they are let in.
    GoOn(GoOn),
    /// A teacher chooses what the course links to.
    Choose {
        /// Where the platform takes the answer.
        action: String,
        course: Option<String>,
        classes: Vec<CourseClass>,
        /// The answer that nothing was chosen.
        nothing: String,
    },
    Told {
        message: String,
    },
}

/// What somebody is asked, with the launch that goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoOn {
    pub class: String,
    /// As the course knows them.
    pub name: Option<String>,
    /// A name is to be typed.
    pub asks_name: Option<AskedName>,
    /// To choose from; empty where nothing is to be chosen.
    pub labs: Vec<LabChoice>,
    /// The browser has another lab, which it loses.
    pub leaves_lab: bool,
    pub state: String,
    pub id_token: String,
}

/// Whether one can do without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedName {
    Required,
    Optional,
}

/// A class with what can be linked to in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseClass {
    pub name: String,
    pub links: Vec<CourseLink>,
}

/// A link with the signed answer that brings it into the course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CourseLink {
    /// None leaves the choice to the learner.
    pub lab: Option<LabChoice>,
    pub jwt: String,
}

/// The page as HTML.
pub fn course_page(page: &CoursePage, theme: Theme) -> String {
    let owner = Owner::new();
    owner.with(|| {
        let title = title(page);
        view! {
            <!DOCTYPE html>
            <html lang="en" data-theme=(theme != Theme::Auto).then(|| theme.as_str())>
                <head>
                    {document_head()}
                    <title>{format!("{title} · Headwater")}</title>
                </head>
                <body>
                    <header class="top">
                        <p class="brand">{brand_mark()} "Headwater"</p>
                    </header>
                    <main class="plain-page" id="main">
                        <h1>{title}</h1>
                        {content(page.clone())}
                    </main>
                </body>
            </html>
        }
        .to_html()
    })
}

fn title(page: &CoursePage) -> String {
    match page {
        CoursePage::OwnWindow { .. } => "The lab opens in a window of its own".to_owned(),
        CoursePage::GoOn(GoOn { name: Some(name), .. }) => format!("Go on as {name}?"),
        CoursePage::GoOn(GoOn { class, .. }) => class.clone(),
        CoursePage::Choose { course: Some(course), .. } => format!("Add a lab to {course}"),
        CoursePage::Choose { .. } => "Add a lab to the course".to_owned(),
        CoursePage::Told { .. } => "The lab cannot be opened".to_owned(),
    }
}

fn content(page: CoursePage) -> AnyView {
    match page {
        CoursePage::OwnWindow { login } => view! {
            <p class="lead">"Inside the page of a course, browsers hold back what signs you in."</p>
            <p><a class="button is-large" href=login target="_blank" rel="noopener">"Open the lab"</a></p>
        }
        .into_any(),
        CoursePage::GoOn(asked) => go_on(asked),
        CoursePage::Choose { action, classes, nothing, .. } => view! { <Choose action classes nothing/> }.into_any(),
        CoursePage::Told { message } => view! {
            <p class="lead" role="alert">{message}</p>
            <p>"Go back to the course and open the lab from there again, or show this to whoever teaches it."</p>
        }
        .into_any(),
    }
}

fn go_on(asked: GoOn) -> AnyView {
    let GoOn { class, name, asks_name, labs, leaves_lab, state, id_token } = asked;
    let lead = match &name {
        Some(_) => format!("You come into the class “{class}” by this name."),
        None => "Your course opens this class.".to_owned(),
    };
    let first = labs.first().copied();
    let choices = labs
        .iter()
        .map(|lab| {
            view! {
                <label class="tick">
                    <input type="radio" name="lab" value=lab.as_str() checked=Some(*lab) == first/>
                    <span>{lab_title(*lab)}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <p class="lead">{lead}</p>
        {leaves_lab
            .then(|| {
                view! {
                    <p>
                        "This browser has another lab, which is not of this course. It is kept: its resume code brings you back to it."
                    </p>
                }
            })}
        <form class="form" method="post" action="/lti/confirm">
            <input type="hidden" name="state" value=state/>
            <input type="hidden" name="id_token" value=id_token/>
            {asks_name
                .map(|asked| {
                    let required = asked == AskedName::Required;
                    let help = match asked {
                        AskedName::Optional => "Your instructors see it. Leave it empty to stay anonymous.",
                        AskedName::Required => "Your instructors see it. The course does not tell it.",
                    };
                    view! {
                        <div class="field">
                            <label for="course-name">"Your name"</label>
                            <input id="course-name" name="name" maxlength="80" autocomplete="name" required=required/>
                            <p class="help">{help}</p>
                        </div>
                    }
                })}
            {(!labs.is_empty())
                .then(|| {
                    view! {
                        <fieldset class="ticks">
                            <legend>"Your lab"</legend>
                            {choices}
                        </fieldset>
                    }
                })}
            <p><button type="submit" class="button is-large">"Go on"</button></p>
        </form>
    }
    .into_any()
}

#[component]
fn Choose(action: String, classes: Vec<CourseClass>, nothing: String) -> impl IntoView {
    let none = classes.is_empty();
    let form = {
        let action = action.clone();
        move |jwt: String, label: String, class: &'static str| {
            view! {
                <form method="post" action=action.clone()>
                    <input type="hidden" name="JWT" value=jwt/>
                    <button type="submit" class=class>{label}</button>
                </form>
            }
        }
    };
    let classes = classes
        .into_iter()
        .map(|CourseClass { name, links }| {
            let links = links
                .into_iter()
                .map(|CourseLink { lab, jwt }| match lab {
                    Some(lab) => form(jwt, lab_title(lab).to_owned(), "button is-quiet"),
                    None => form(jwt, "Any lab: learners choose".to_owned(), "button"),
                })
                .collect_view();
            view! {
                <section class="act">
                    <h2>{name}</h2>
                    <div class="course-links">{links}</div>
                </section>
            }
        })
        .collect_view();
    view! {
        {if none {
            view! { <p class="lead">"No class is open to this course. Make one, and register the course's platform in its settings."</p> }
                .into_any()
        } else {
            view! { <p class="lead">"Choose what the link leads to. Learners who open it come into the class."</p> }.into_any()
        }}
        {classes}
        {form(nothing, "Add nothing".to_owned(), "button is-quiet")}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_a_platform_is_text() {
        let page = CoursePage::GoOn(GoOn {
            class: "<b>Streams</b>".to_owned(),
            name: Some("\"><script>alert(1)</script>".to_owned()),
            asks_name: None,
            labs: Vec::new(),
            leaves_lab: false,
            state: "\"><script>".to_owned(),
            id_token: "token".to_owned(),
        });
        let html = course_page(&page, Theme::Dark);
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains("data-theme=\"dark\""), "{html}");
        assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
    }
}
