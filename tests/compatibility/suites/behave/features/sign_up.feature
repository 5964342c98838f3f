Feature: Sign up

  Scenario: A user gets an email
    When jo@example.com signs up
    Then jo@example.com gets an email

  Scenario: A user has signed up too often
    Given jo@example.com is quota-exceeded
    When jo@example.com signs up
    Then the answer is "try again tomorrow"
