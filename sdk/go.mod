module github.com/faultline-storage/faultline/sdk

go 1.26
