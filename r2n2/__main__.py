from r2n2.commands.cli import main

if __name__ == "__main__":
    main()
