print("a workflow")
