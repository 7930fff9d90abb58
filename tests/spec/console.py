"""Where the console shows what the chapter does in a browser: the requirement's number, and the test of it there.

The tests of ``test_spec_console_*.py`` fill in the pages' forms and press their buttons without scripts, and play what
was saved on pretend hosts; those of ``tests/browser`` click in a real Chromium, before a real cluster.
"""

from collections.abc import Mapping

_CREATING = "test_spec_console_creating.py::test_"
_CONFIGURING = "test_spec_console_configuring.py::test_"
_FURTHER = f"{_CREATING}after_the_scripts_come_modes_and_nodes_and_monitoring_only_if_it_is_wanted"
_LIVE = "test_browser_jobs.py::test_a_machine_migrates_live_by_a_few_clicks"

SHOWN: Mapping[str, str] = {
    "14.2-03": f"{_CREATING}machines_on_every_node_are_made_resources_in_the_wizard",
    "14.2-05": _LIVE,
    "14.2-07": f"{_CREATING}each_machine_has_a_page_with_scripts_of_its_own",
    "14.2.1-01": "test_web_templates.py::test_the_list_tells_what_each_is_for_and_how_often_it_is_used",
    "14.2.1-02": f"{_CREATING}a_name_is_all_that_is_entered",
    "14.2.1-04": _LIVE,
    "14.2.1-10": "test_web_anywhere.py::test_who_is_signed_in_goes_on_at_any_node",
    "14.2.1-11": "test_web_signing_in.py::test_people_sign_in_and_come_to_the_page_that_they_wanted",
    "14.2.1-12": f"{_CREATING}the_cluster_is_named_on_every_page_and_its_options_are_set",
    "14.2.1-13": f"{_CREATING}a_new_resource_is_there_at_once_and_does_not_run",
    "14.2.1-14": f"{_CREATING}new_asks_for_the_kind_and_a_resource_is_one",
    "14.2.1-15": f"{_CREATING}the_name_is_kept_as_entered_or_refused",
    "14.2.1-16": f"{_CREATING}the_template_is_chosen_from_the_list_that_the_wizard_shows",
    "14.2.1-17": "test_web_new.py::test_additional_properties_come_in_the_original_s_order_and_are_all_saved",
    "14.2.2-09": f"{_CONFIGURING}the_modes_are_set_on_a_page_of_their_own_and_count",
    "14.2.2-10": f"{_CONFIGURING}the_preferred_nodes_are_put_in_order_and_failover_goes_by_it",
    "14.2.2-11": f"{_CONFIGURING}what_is_saved_in_the_editor_is_what_runs",
    "14.2.2-13": f"{_CONFIGURING}lines_of_the_load_script_are_edited_in_the_browser",
    "14.2.2-14": _FURTHER,
    "14.2.2-16": f"{_CONFIGURING}a_line_of_the_unload_script_is_edited_in_the_browser",
    "14.2.2-18": _FURTHER,
    "14.2.2-19": f"{_CONFIGURING}the_monitor_script_of_the_template_is_there_and_can_be_changed",
    "14.2.2-21": f"{_CONFIGURING}the_monitor_does_not_run_before_it_is_enabled",
    "14.2.2-22": f"{_CONFIGURING}a_resource_is_found_from_the_overview_with_its_details",
    "14.2.2-23": f"{_CONFIGURING}monitoring_is_enabled_for_one_resource_and_disabled_again",
    "14.2.2-24": f"{_CONFIGURING}the_monitor_runs_as_often_as_was_entered",
    "14.2.2-25": f"{_CONFIGURING}the_interval_is_entered_in_minutes_or_in_seconds",
    "14.2.2-26": f"{_CONFIGURING}maximum_and_time_interval_are_entered_and_nonsense_is_refused",
    "14.2.2-29": f"{_CONFIGURING}three_actions_are_offered_and_one_is_chosen",
    "14.2.2-39": f"{_CONFIGURING}the_monitor_script_is_found_by_links_from_the_overview",
    "14.2.2-40": f"{_CONFIGURING}the_edited_monitor_script_watches_the_machine",
    "14.2.2-42": f"{_CONFIGURING}the_monitor_script_s_timeout_is_entered_beside_it",
    "14.2.3-02": f"{_CREATING}the_configuration_file_is_named_in_the_form_and_asked_for_on_the_target",
}
