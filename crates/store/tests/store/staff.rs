//! Instructors and what they may do.

use store::{ExternalIdentity, InstructorError, InvitationCode, Role, SignIn, StaffError};
use time::Duration;

use crate::home::{Home, MORNING, NOON, class, instructor, learner, settings};

on_both! {
    async fn an_instructor_is_found_by_login_and_by_provider(home: Home) {
        let store = home.open().await;
        let who = ExternalIdentity { issuer: "https://id.example".to_owned(), subject: "42".to_owned() };
        let ada = instructor(&store, "ada@example.org").await;
        assert_eq!(store.instructor_by_login("ada@example.org").await.unwrap().unwrap().id, ada.id);
        assert!(store.instructor_by_identity(&who).await.unwrap().is_none());
        assert!(store.link_identity(&ada.id, &who).await.unwrap());
        let known = store.instructor_by_identity(&who).await.unwrap().unwrap();
        assert_eq!((known.id, known.identity.as_ref()), (ada.id.clone(), Some(&who)));
        let other = ExternalIdentity { subject: "43".to_owned(), ..who.clone() };
        assert!(!store.link_identity(&ada.id, &other).await.unwrap(), "another does not take its place");
        let bea = instructor(&store, "bea@example.org").await;
        let taken = store.link_identity(&bea.id, &who).await;
        assert!(matches!(taken, Err(InstructorError::LoginTaken)), "{taken:?}");
        let taken = store.create_instructor("ada@example.org", "A", &SignIn::External(other), false, NOON).await;
        assert!(matches!(taken, Err(InstructorError::LoginTaken)), "{taken:?}");
    }

    async fn who_has_a_password_need_not_sign_in_by_the_provider_any_more(home: Home) {
        let store = home.open().await;
        let who = ExternalIdentity { issuer: "https://id.example".to_owned(), subject: "42".to_owned() };
        let ada = instructor(&store, "ada@example.org").await;
        assert!(!store.unlink_identity(&ada.id).await.unwrap(), "there is nothing to take away");
        store.link_identity(&ada.id, &who).await.unwrap();
        assert!(store.unlink_identity(&ada.id).await.unwrap());
        assert!(store.instructor_by_identity(&who).await.unwrap().is_none());
        let only = SignIn::External(who.clone());
        let cleo = store.create_instructor("cleo@example.org", "Cleo", &only, false, NOON).await.unwrap();
        assert!(!store.unlink_identity(&cleo.id).await.unwrap(), "there would be no way in any more");
        assert_eq!(store.instructor_by_identity(&who).await.unwrap().unwrap().id, cleo.id);
    }

    async fn a_new_password_ends_the_sessions_of_the_old(home: Home) {
        let store = home.open().await;
        let ada = instructor(&store, "ada@example.org").await;
        let version = store.set_password(&ada.id, &"$argon2id$another".into()).await.unwrap();
        assert!(version > ada.session_version);
        assert_eq!(store.instructor(&ada.id).await.unwrap().unwrap().session_version, version);
        store.rename_instructor(&ada.id, "Countess").await.unwrap();
        assert_eq!(store.instructor(&ada.id).await.unwrap().unwrap().name, "Countess");
    }

    async fn only_one_is_the_first(home: Home) {
        let store = home.open().await;
        let password = SignIn::Password("$argon2id$hash".into());
        let both = futures::future::join(
            store.create_instructor("a@example.org", "A", &password, true, NOON),
            store.create_instructor("b@example.org", "B", &password, true, NOON),
        );
        let (first, second) = both.await;
        assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1, "{first:?} {second:?}");
        assert_eq!(store.count_instructors().await.unwrap(), 1);
    }

    async fn an_invitation_works_once_and_not_for_ever(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let guest = instructor(&store, "guest@example.org").await;
        let code = store.invite(&class.id, Role::Teacher, "Ada", "", NOON).await.unwrap();
        assert!(store.invitation(&code, NOON).await.unwrap().is_none(), "it has expired");
        let shown = store.invitation(&code, MORNING).await.unwrap().unwrap();
        assert_eq!((shown.class_name.as_str(), shown.role, shown.expires), ("Streams 101", Role::Teacher, NOON));
        assert_eq!(store.accept_invitation(&code, &guest.id, MORNING).await.unwrap(), class.id);
        assert_eq!(store.role_in(&class.id, &guest.id).await.unwrap(), Some(Role::Teacher));
        let again = store.accept_invitation(&code, &guest.id, MORNING).await;
        assert!(matches!(again, Err(StaffError::NoInvitation)), "{again:?}");
        let guessed = store.accept_invitation(&InvitationCode::generate(), &guest.id, MORNING).await;
        assert!(matches!(guessed, Err(StaffError::NoInvitation)), "{guessed:?}");
        let lower = store.invite(&class.id, Role::Viewer, "Ada", "", NOON + Duration::DAY).await.unwrap();
        store.accept_invitation(&lower, &guest.id, NOON).await.unwrap();
        assert_eq!(store.role_in(&class.id, &guest.id).await.unwrap(), Some(Role::Teacher), "the higher role stays");
    }

    async fn an_invitation_is_listed_until_it_is_revoked(home: Home) {
        let store = home.open().await;
        let (class, _) = class(&store, &settings()).await;
        let code = store.invite(&class.id, Role::Teacher, "Ada", "for Grace", NOON).await.unwrap();
        let listed = store.open_invitations(&class.id, MORNING).await.unwrap();
        assert_eq!((listed.len(), listed[0].role, listed[0].note.as_str()), (1, Role::Teacher, "for Grace"));
        assert!(store.open_invitations(&class.id, NOON).await.unwrap().is_empty(), "it has expired");
        assert!(store.revoke_invitation(&class.id, &listed[0].id).await.unwrap());
        assert!(!store.revoke_invitation(&class.id, &listed[0].id).await.unwrap());
        assert!(store.invitation(&code, MORNING).await.unwrap().is_none());
    }

    async fn a_hand_is_new_until_the_help_queue_is_looked_at(home: Home) {
        let store = home.open().await;
        let (class, ada) = class(&store, &settings()).await;
        let (learner, _) = learner(&store).await;
        store.join(&class, &learner.id, None, NOON).await.unwrap();
        store.raise_hand(&learner.id, "ingest", NOON).await.unwrap();
        assert_eq!(store.unseen_hands(&class.id, &ada.id).await.unwrap(), 1);
        store.see_help(&class.id, &ada.id, NOON).await.unwrap();
        assert_eq!(store.unseen_hands(&class.id, &ada.id).await.unwrap(), 0);
    }

    async fn a_class_keeps_an_owner(home: Home) {
        let store = home.open().await;
        let (class, ada) = class(&store, &settings()).await;
        let guest = instructor(&store, "guest@example.org").await;
        assert_eq!(store.role_in(&class.id, &guest.id).await.unwrap(), None);
        let alone = store.change_role(&class.id, &ada.id, Role::Viewer).await;
        assert!(matches!(alone, Err(StaffError::LastOwner)), "{alone:?}");
        let code = store.invite(&class.id, Role::Owner, "Ada", "", NOON).await.unwrap();
        store.accept_invitation(&code, &guest.id, MORNING).await.unwrap();
        let both = futures::future::join(
            store.remove_staff(&class.id, &ada.id),
            store.change_role(&class.id, &guest.id, Role::Teacher),
        );
        let (removed, lowered) = both.await;
        assert_eq!(u8::from(removed.is_ok()) + u8::from(lowered.is_ok()), 1, "{removed:?} {lowered:?}");
        let staff = store.staff(&class.id).await.unwrap();
        assert_eq!(staff.iter().filter(|member| member.role == Role::Owner).count(), 1);
    }
}
