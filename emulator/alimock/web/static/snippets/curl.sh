# curl is part of Windows and macOS; on Linux: apt-get install curl
# The call is unsigned, which the emulator accepts unless it runs with --auth strict.
curl "{{url}}/?Action=SubmitEmailVerification&Version=2018-01-29&Format=JSON&Email=jo@example.com"
