"""The demo subdistrict: load it, play a day of its reports. All people and events are synthetic."""
