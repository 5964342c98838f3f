"""What is known of the service, as data: operations, profiles, errors, behaviors and the evidence for each; times and addresses."""
