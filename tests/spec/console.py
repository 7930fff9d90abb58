"""Where the console shows what the chapter does in a browser: the requirement's number, and the test of its page.

The tests of ``tests/web`` fill in the pages' forms and press their buttons without scripts; those of ``tests/browser``
do the same in a real Chromium, before a real cluster.
"""

from collections.abc import Mapping

_WIZARD = "test_browser_jobs.py::test_a_resource_is_made_from_xen_template_with_additional_properties"
_FURTHER = "test_web_new.py::test_additional_properties_come_in_the_original_s_order_and_are_all_saved"
_MONITORING = "test_web_resource_tabs.py::test_monitoring_is_enabled_as_in_the_original_and_says_what_it_will_do"
_SCRIPT = "test_web_resource_scripts.py::test_a_script_is_saved_with_its_timeout_and_why"
_SCRIPTS = "test_web_resource_scripts.py::test_the_tab_begins_with_the_load_script_and_leads_to_the_others"
_MONITOR = "test_browser_jobs.py::test_the_monitor_script_is_viewed_edited_and_kept_as_a_revision"

SHOWN: Mapping[str, str] = {
    "14.2-03": "test_web_overview.py::test_a_node_stands_with_its_machines_its_marks_and_what_protects_it",
    "14.2-05": "test_browser_jobs.py::test_a_machine_migrates_live_by_a_few_clicks",
    "14.2-07": _SCRIPTS,
    "14.2.1-01": "test_web_templates.py::test_the_list_tells_what_each_is_for_and_how_often_it_is_used",
    "14.2.1-02": "test_web_new.py::test_a_name_and_a_template_are_enough",
    "14.2.1-04": "test_web_resource_details.py::test_a_move_shows_what_will_happen_and_is_ordered_live_or_with_a_restart",
    "14.2.1-10": "test_web_anywhere.py::test_who_is_signed_in_goes_on_at_any_node",
    "14.2.1-11": "test_web_signing_in.py::test_people_sign_in_and_come_to_the_page_that_they_wanted",
    "14.2.1-12": "test_web_settings.py::test_policies_and_quorum_triggers_are_shown_and_saved",
    "14.2.1-13": _WIZARD,
    "14.2.1-14": "test_web_new.py::test_a_template_is_made_of_another_one",
    "14.2.1-15": "test_web_new.py::test_what_is_refused_comes_back_at_its_step_with_all_that_was_entered",
    "14.2.1-16": _WIZARD,
    "14.2.1-17": _FURTHER,
    "14.2.2-09": "test_web_resource_tabs.py::test_policies_are_set_each_with_a_line_that_says_what_it_means",
    "14.2.2-10": "test_web_resource_tabs.py::test_preferred_nodes_are_put_in_order_by_plain_buttons_and_saved",
    "14.2.2-11": "test_web_resource_scripts.py::test_of_a_loaded_resource_the_page_says_what_counts_from_when",
    "14.2.2-13": _SCRIPT,
    "14.2.2-14": _FURTHER,
    "14.2.2-16": _SCRIPTS,
    "14.2.2-18": _FURTHER,
    "14.2.2-19": "test_web_templates.py::test_everything_of_a_template_can_be_edited",
    "14.2.2-21": _MONITORING,
    "14.2.2-22": "test_web_resource_details.py::test_the_page_tells_state_reason_node_and_what_led_to_it",
    "14.2.2-23": _MONITORING,
    "14.2.2-24": _MONITORING,
    "14.2.2-25": _MONITORING,
    "14.2.2-26": _MONITORING,
    "14.2.2-29": _MONITORING,
    "14.2.2-39": _SCRIPTS,
    "14.2.2-40": _MONITOR,
    "14.2.2-42": _MONITOR,
    "14.2.3-02": "test_web_resource_tabs.py::test_policies_are_set_each_with_a_line_that_says_what_it_means",
}
