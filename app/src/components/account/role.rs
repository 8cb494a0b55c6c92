//! Connecting by a role that the learner makes: first for which account, then how, then its ARN.

use super::{Desk, Submit, field};
use crate::{
    components::{FieldInput, Icon, code_block, copy_button, icon},
    model::{CLOUDFORMATION_PATH, FieldInput as Input, FieldView, RoleOfferView},
};
use leptos::{form::ActionForm, prelude::*};

/// Where the role is to be made.
#[component]
pub fn Prepare(desk: Desk, problem: Option<String>, region: FieldView) -> impl IntoView {
    view! {
        <p>
            "You let Headwater in by a role that you make in your account and can delete at any time. It is limited to the lab's resources by their names, so "
            <a href="#names">"choose your own names"</a> " first if you want others. Then tell which account, and in which region."
        </p>
        {problem
            .map(|problem| {
                view! {
                    <div class="notice is-bad">
                        {icon(Icon::Alert)} <div><p>{format!("There is no role to offer yet. {problem}")}</p></div>
                    </div>
                }
            })}
        <WhichAccount desk account=String::new() region/>
    }
    .into_any()
}

#[component]
fn WhichAccount(desk: Desk, account: String, region: FieldView) -> impl IntoView {
    let account = field(
        "account",
        "Account number",
        "Twelve digits, as in the console's menu at the top right.",
        account,
        Input::Text { max_length: 14 },
    );
    view! {
        <ActionForm action=desk.prepare attr:class="form account-form">
            <FieldInput field=account form="account".to_owned() outcome=desk.latest plain=true/>
            <FieldInput field=region form="account".to_owned() outcome=desk.latest plain=true/>
            <Submit pending=desk.prepare.pending() label="Show me the role" busy="Preparing…"/>
        </ActionForm>
    }
    .into_any()
}

/// The role in three forms, and the form that brings its ARN.
#[component]
pub fn MakeRole(desk: Desk, offer: RoleOfferView, region: FieldView) -> impl IntoView {
    let RoleOfferView { account_id, external_id, principal, policy, cloudformation, terraform, commands } = offer;
    let console =
        format!("https://console.aws.amazon.com/cloudformation/home?region={}#/stacks/create/template", region.value);
    let role = field(
        "role",
        "ARN of the role",
        "For example <code>arn:aws:iam::111122223333:role/HeadwaterLab</code>.",
        String::new(),
        Input::Text { max_length: 256 },
    );
    view! {
        <p>
            "Make this role in account " <code>{account_id.clone()}</code> " in one of three ways. All three make the same."
        </p>
        <div class="ways">
            <details name="role-way" open=true>
                <summary>"In the console, by CloudFormation"</summary>
                <div class="way">
                    <p>
                        <a class="button is-quiet" href=CLOUDFORMATION_PATH download="headwater-role.json" rel="external">
                            {icon(Icon::Download)} "Download headwater-role.json"
                        </a>
                    </p>
                    <ol>
                        <li>
                            "Open " <a href=console rel="external noreferrer" target="_blank">"CloudFormation, Create stack"<span class="visually-hidden">" (in a new tab)"</span></a>
                            ", signed in to account " <code>{account_id.clone()}</code> "."
                        </li>
                        <li>"Choose " <em>"Upload a template file"</em> ", give it the file, and go on."</li>
                        <li>"Name the stack " <code>"headwater-lab"</code> " and go on to the end. Leave everything else as it is."</li>
                        <li>"Tick that CloudFormation might create IAM resources with custom names, and submit."</li>
                        <li>
                            "When the stack is " <code>"CREATE_COMPLETE"</code> ", copy " <code>"RoleArn"</code> " from its tab "
                            <em>"Outputs"</em> "."
                        </li>
                    </ol>
                    <details class="source">
                        <summary>"The template " <code class="file-name">"headwater-role.json"</code></summary>
                        {code_block(cloudformation, "the template")}
                    </details>
                </div>
            </details>
            <details name="role-way">
                <summary>"With Terraform"</summary>
                <div class="way">
                    <p>
                        "Put this into " <code class="file-name">"headwater-role.tf"</code> " in a folder of its own and run "
                        <code>"terraform init"</code> " and " <code>"terraform apply"</code> ". Its output is the ARN."
                    </p>
                    {code_block(terraform, "the Terraform file")}
                </div>
            </details>
            <details name="role-way">
                <summary>"With the AWS CLI"</summary>
                <div class="way">
                    <p>"Run this where you are signed in to the account. It prints the ARN at its end."</p>
                    {code_block(commands, "the commands")}
                </div>
            </details>
        </div>
        <details class="source">
            <summary>"Whom the role trusts, and what it allows"</summary>
            <dl class="trust">
                <div>
                    <dt>"It trusts"</dt>
                    <dd><code>{principal.clone()}</code> {copy_button(principal, "the principal")}</dd>
                </div>
                <div>
                    <dt>"Only with the external ID"</dt>
                    <dd><code>{external_id.clone()}</code> {copy_button(external_id, "the external ID")}</dd>
                </div>
            </dl>
            <p class="help">
                "The external ID was made for your lab alone, so that nobody else can have this server use your role. It is no secret."
            </p>
            <p>"It allows this and nothing else:"</p>
            {code_block(policy, "the policy")}
        </details>
        <ActionForm action=desk.find attr:class="form account-form">
            <FieldInput field=role form="account".to_owned() outcome=desk.latest plain=true/>
            <Submit pending=desk.find.pending() label="See whether it works" busy="Trying the role…"/>
        </ActionForm>
        <p class="help">"First we try to take on the role without the external ID, which has to fail: else others could use it too."</p>
        <details class="source">
            <summary>"Another account or region"</summary>
            <WhichAccount desk account=account_id region/>
        </details>
    }
    .into_any()
}
