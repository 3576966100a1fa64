module github.com/faultline-storage/faultline

go 1.26

require github.com/faultline-storage/faultline/sdk v0.0.0

replace github.com/faultline-storage/faultline/sdk => ./sdk
