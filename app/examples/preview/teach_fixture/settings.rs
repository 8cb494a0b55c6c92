//! How the class of the preview is set up.

use super::{NOW, steps};
use app::model::{
    LabChoice,
    teach::{
        ClassView, DeliveryView, InvitationLinkView, LtiView, PlatformView, PointsView, Role, SettingsView, StaffView,
        StepPointsView, WebhookKind, WebhookView, XapiView,
    },
};

pub fn view(class: ClassView) -> SettingsView {
    let member = |id: &str, name: &str, role| StaffView {
        id: id.to_owned(),
        name: name.to_owned(),
        login: format!("{}@example.edu", name.split(' ').next().unwrap_or_default().to_lowercase()),
        role,
    };
    SettingsView {
        class,
        me: "i1".to_owned(),
        labs: vec![LabChoice::SandboxSql],
        offered: vec![LabChoice::SandboxSql, LabChoice::SandboxWindow, LabChoice::AccountWindow],
        anonymous: true,
        points: PointsView {
            steps: steps()
                .into_iter()
                .map(|step| StepPointsView {
                    number: step.number,
                    title: step.title,
                    checks: step.checks.into_iter().map(|check| (check.id, check.title, 10)).collect(),
                })
                .collect(),
            assisted_percent: 50,
        },
        staff: vec![
            member("i1", "Mira Lind", Role::Owner),
            member("i2", "Tomasz Nowak", Role::Teacher),
            member("i3", "Ines Costa", Role::Viewer),
        ],
        invitations: vec![InvitationLinkView {
            id: "v1".to_owned(),
            role: Role::Teacher,
            note: "Lea, for the second group".to_owned(),
            expires_at: NOW + 86_400,
        }],
        webhooks: vec![
            WebhookView {
                id: "w1".to_owned(),
                url: "https://hooks.example/lab".to_owned(),
                kinds: vec![WebhookKind::Steps, WebhookKind::Help],
                deliveries: vec![
                    DeliveryView {
                        at: NOW - 30,
                        status: None,
                        text: "the connection was refused".to_owned(),
                        again_at: Some(NOW + 90),
                    },
                    DeliveryView { at: NOW - 90, status: Some(503), text: "not taken".to_owned(), again_at: None },
                    DeliveryView { at: NOW - 600, status: Some(200), text: "3 events".to_owned(), again_at: None },
                ],
                behind: 2,
                off: None,
            },
            WebhookView {
                id: "w2".to_owned(),
                url: "https://old.example/hook".to_owned(),
                kinds: vec![WebhookKind::Verdicts],
                deliveries: vec![DeliveryView {
                    at: NOW - 7200,
                    status: Some(410),
                    text: "it wants no more".to_owned(),
                    again_at: None,
                }],
                behind: 14,
                off: Some((NOW - 7200, "it answered 410 and wants no more".to_owned())),
            },
        ],
        lti: LtiView {
            addresses: vec![
                ("Tool, target link".to_owned(), "https://lab.example/".to_owned()),
                ("Login initiation".to_owned(), "https://lab.example/lti/login".to_owned()),
                ("Launch, redirection".to_owned(), "https://lab.example/lti/launch".to_owned()),
                ("Public keys".to_owned(), "https://lab.example/lti/keys".to_owned()),
                ("Content selection, deep linking".to_owned(), "https://lab.example/lti/deep-link".to_owned()),
            ],
            platforms: vec![PlatformView {
                id: "p1".to_owned(),
                issuer: "https://moodle.example".to_owned(),
                client_id: "9fKd2".to_owned(),
                deployment_ids: vec!["1".to_owned()],
                launched_at: Some(NOW - 3000),
                takes_grades: true,
                trouble: String::new(),
            }],
        },
        xapi: Some(XapiView {
            endpoint: "https://lrs.example/xapi/".to_owned(),
            key: "headwater".to_owned(),
            behind: 0,
            trouble: String::new(),
        }),
    }
}
